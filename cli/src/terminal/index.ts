export { colourModes, painter, type ColourMode, type ColourName, type Paint } from './colour.ts';
export { DETACH_KEYS, DetachWatch, parseKeys } from './detach-keys.ts';
export { processTerminal } from './process-terminal.ts';
export { readerGone, type Sink, type Source, type Terminal } from './terminal.ts';
export { cut, harmless, pad, width } from './width.ts';
