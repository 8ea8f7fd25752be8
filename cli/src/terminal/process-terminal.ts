import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { WriteStream } from 'node:tty';
import type { Sink, Source, Terminal } from './terminal.ts';

/** The terminal of this process. `onBrokenPipe` is called when whoever read our output has gone. */
export function processTerminal(onBrokenPipe: () => void): Terminal {
  const { stdout, stderr, env } = process;
  for (const stream of [stdout, stderr]) {
    // EPIPE arrives as an event; anything else on these two is as lost, and there is nowhere to say it.
    stream.on('error', onBrokenPipe);
  }
  return {
    stdin: processInput(),
    stdout: sink(stdout),
    stderr: sink(stderr),
    env,
    onResize(listener) {
      stdout.on('resize', listener);
      return () => void stdout.off('resize', listener);
    },
  };
}

function sink(stream: WriteStream): Sink {
  return {
    isTerminal: stream.isTTY,
    columns: () => (stream.isTTY ? stream.columns : undefined),
    rows: () => (stream.isTTY ? stream.rows : undefined),
    async write(data) {
      if (!stream.writable) return;
      if (!stream.write(data)) await Promise.race([once(stream, 'drain'), once(stream, 'close')]).catch(() => {});
    },
  };
}

/** `process.stdin` opens the descriptor when it is first looked at, so it is looked at late. */
function processInput(): Source {
  return {
    get isTerminal() {
      return process.stdin.isTTY;
    },
    stream: () => process.stdin,
    makeRaw() {
      if (!process.stdin.isTTY) return () => {};
      process.stdin.setRawMode(true);
      // What is printed has been made ready for a terminal where the program runs. Node leaves that on, and would
      // begin a line where a program only goes one down. The way back restores this too.
      spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
      return () => void process.stdin.setRawMode(false);
    },
  };
}
