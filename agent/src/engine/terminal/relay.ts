/** Between a caller and a console: what is typed one way, what is shown the other, and the exit code at the end. */
import type { ExecIo } from '../engine.ts';
import { endFrame, inputFrames, leaveFrame, shownFrames, sizeFrame } from './frames.ts';

/** A line to a console. */
export interface Line {
  readonly output: AsyncIterable<Uint8Array>;
  /** Resolves when there is room for more. */
  write(data: Uint8Array): Promise<void>;
}

export interface Watching {
  /** Whether what the caller types is passed on. */
  readonly stdin: boolean;
  readonly columns: number;
  readonly rows: number;
}

/** How it ended: with the program's exit code, because the caller left, or, undefined, because the line was lost. */
export type Outcome = { readonly exitCode: number } | 'left' | undefined;

export async function relay(line: Line, watching: Watching, { input, emit }: ExecIo): Promise<Outcome> {
  await line.write(sizeFrame(watching.columns, watching.rows));
  const typing = type(line, watching, input);
  return Promise.race([show(line, emit), leaving(typing)]);
}

async function show(line: Line, emit: ExecIo['emit']): Promise<Outcome> {
  for await (const shown of shownFrames(line.output)) {
    if (shown.kind === 'exit') return { exitCode: shown.code };
    await emit({ stream: shown.kind, data: shown.data.toString('base64') });
  }
  return undefined;
}

/** Input that ends is no end; input that fails is one. */
async function leaving(typing: Promise<'left' | 'ended'>): Promise<Outcome> {
  if ((await typing) === 'left') return 'left';
  return new Promise<never>(() => {});
}

async function type(line: Line, { stdin }: Watching, input: ExecIo['input']): Promise<'left' | 'ended'> {
  for await (const frame of input) {
    if (frame.kind === 'detach') {
      await line.write(leaveFrame());
      return 'left';
    }
    if (frame.kind === 'resize') await line.write(sizeFrame(frame.columns, frame.rows));
    else if (!stdin) continue;
    else if (frame.kind === 'eof') await line.write(endFrame());
    else for (const part of inputFrames(Buffer.from(frame.data, 'base64'))) await line.write(part);
  }
  return 'ended';
}
