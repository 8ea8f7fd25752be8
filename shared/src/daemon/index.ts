export { openDaemon, type Daemon, type DaemonPaths } from './daemon.ts';
export { sentenceFirst, type DaemonLog, type LogLevel } from './log.ts';
export { CONFIG_PATH, loadSettings, parseSettings, settings, type SettingName, type Settings } from './settings.ts';
