/** A program of a lab node on a terminal, with somebody who types, waits for words and pulls at the window. */
import { VoltError } from '@volt/shared/errors';
import type { LabNode } from '../lab/index.ts';

export type Step =
  /** Waits until this has been shown since the last wait. */
  | { readonly wait: string }
  | { readonly type: string }
  /** So many bytes, in lines of 64, and their sum. */
  | { readonly paste: number }
  | { readonly resize: readonly [columns: number, rows: number] }
  /** Sends the program that is on the terminal a signal. */
  | { readonly signal: number };

export interface Sitting {
  /** 128 and the signal's number when one ended it. */
  readonly code: number;
  readonly shown: string;
  /** SHA-256 of what was pasted. */
  readonly pasted: string;
  /** Keys were no longer passed on one by one when it had ended. */
  readonly isRestored: boolean;
}

interface Answer {
  readonly code: number;
  readonly shown: string;
  readonly pasted: string;
  readonly isRestored: boolean;
  readonly missed: string | null;
}

const TIMEOUT_S = 40;

/** A file would be written by one while another reads it. */
const RUN_SITTER = "import os; exec(os.environ.pop('SITTER'))";

/** Python has terminals, and every node has Python. */
const SITTER = `
import base64, fcntl, hashlib, json, os, pty, select, signal, struct, sys, termios, time
order = json.load(sys.stdin)
near, far = pty.openpty()
fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
before = termios.tcgetattr(far)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(far, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2): os.dup2(far, fd)
    os.execvpe(order['argv'][0], order['argv'], dict(os.environ, TERM='xterm'))
os.set_blocking(near, False)
deadline = time.time() + ${TIMEOUT_S}
shown, seen, pending, summed, missed = b'', 0, b'', hashlib.sha256(), None
def turn(wait):
    global shown, pending
    ready, room, _ = select.select([near], [near] if pending else [], [], wait)
    if ready:
        try: shown += os.read(near, 65536)
        except (BlockingIOError, OSError): pass
    if room:
        try: pending = pending[os.write(near, pending[:4096]):]
        except BlockingIOError: pass
ended = None
def is_over():
    global ended
    if ended is None:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found: ended = os.waitstatus_to_exitcode(status)
    return ended is not None
for step in order['steps']:
    if 'wait' in step:
        wanted = step['wait'].encode()
        while shown.find(wanted, seen) < 0 and time.time() < deadline and not (is_over() and not pending): turn(0.05)
        turn(0)
        at = shown.find(wanted, seen)
        if at < 0: missed = step['wait']; break
        seen = at + len(wanted)
    elif 'type' in step: pending += step['type'].encode('utf-8', 'surrogateescape')
    elif 'paste' in step:
        text = b''.join(b'%063d\\n' % n for n in range(step['paste'] // 64))
        summed.update(text); pending += text
    elif 'resize' in step:
        columns, rows = step['resize']
        fcntl.ioctl(near, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
    elif 'signal' in step: os.kill(pid, step['signal'])
while not is_over() and time.time() < deadline: turn(0.05)
for _ in range(4): turn(0.02)
after = termios.tcgetattr(far)
if not is_over(): os.kill(pid, signal.SIGKILL); missed = missed or 'its end'; os.waitpid(pid, 0); ended = -9
json.dump(dict(code=ended if ended >= 0 else 128 - ended, shown=base64.b64encode(shown).decode(),
    pasted=summed.hexdigest(), isRestored=after[3] == before[3], missed=missed), sys.stdout)
`;

export async function onTerminal(node: LabNode, argv: readonly string[], steps: readonly Step[]): Promise<Sitting> {
  const input = JSON.stringify({ argv, steps });
  const outcome = await node.exec(['python3', '-c', RUN_SITTER], { input, env: { SITTER } });
  if (outcome.code !== 0) throw new VoltError('GENERAL', `Nobody sat at the terminal: ${outcome.stderr}`);
  const { shown, missed, ...rest } = JSON.parse(outcome.stdout) as Answer;
  const text = Buffer.from(shown, 'base64').toString('utf8');
  if (missed !== null) throw new VoltError('TIMEOUT', `Waited in vain for ${JSON.stringify(missed)} in:\n${text}`);
  return { ...rest, shown: text };
}
