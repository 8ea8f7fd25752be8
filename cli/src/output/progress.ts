/** What a long operation says while it runs. */
import { cut, harmless, type Sink } from '../terminal/index.ts';

export interface ProgressEvent {
  readonly line: string;
  readonly done?: number | undefined;
  readonly total?: number | undefined;
}

export interface Progress {
  show(event: ProgressEvent): Promise<void>;
  /** Leaves the line free for what comes next. */
  end(): Promise<void>;
}

const CLEAR_LINE = '\r\u001B[K';

/** On a terminal one line that changes; elsewhere a line each, and counts only when their text changes. */
export function progressOn(sink: Sink): Progress {
  return sink.isTerminal ? updatingLine(sink) : plainLines(sink);
}

export const noProgress: Progress = { show: async () => {}, end: async () => {} };

function updatingLine(sink: Sink): Progress {
  let isShown = false;
  return {
    async show(event) {
      isShown = true;
      await sink.write(`${CLEAR_LINE}${cut(text(event), (sink.columns() ?? 80) - 1)}`);
    },
    async end() {
      if (isShown) await sink.write(CLEAR_LINE);
      isShown = false;
    },
  };
}

function plainLines(sink: Sink): Progress {
  let last: string | undefined;
  return {
    async show(event) {
      if (event.line === last) return;
      last = event.line;
      await sink.write(`${harmless(event.line)}\n`);
    },
    end: async () => {},
  };
}

function text({ line, done, total }: ProgressEvent): string {
  const count = done === undefined ? '' : total === undefined ? ` (${done})` : ` (${done} of ${total})`;
  return `${harmless(line)}${count}`;
}
