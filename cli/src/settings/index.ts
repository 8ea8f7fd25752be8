export {
  globalLetters,
  globalParams,
  isDebug,
  outputFormats,
  settingsFrom,
  type GlobalValues,
  type OutputFormat,
  type Settings,
} from './globals.ts';
