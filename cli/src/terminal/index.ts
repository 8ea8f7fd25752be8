export { colourModes, painter, type ColourMode, type ColourName, type Paint } from './colour.ts';
export { processTerminal } from './process-terminal.ts';
export type { Sink, Source, Terminal } from './terminal.ts';
export { cut, harmless, pad, width } from './width.ts';
