export { openLog, type DaemonLog, type LogLevel } from './log.ts';
export {
  CONFIG_PATH,
  loadSettings,
  needRestart,
  parseSettings,
  settings,
  type SettingName,
  type Settings,
} from './settings.ts';
export { dump, onSignals, type SignalActions } from './signals.ts';
