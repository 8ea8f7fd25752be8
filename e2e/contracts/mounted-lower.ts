/** A lower under an overlay, in a mount namespace of its own that ends with the test run, however that ends. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Mounted {
  /** The root of what a container would see. Readable from outside of the namespace. */
  readonly root: string;
  /** Runs a program as a user, in the folder of the root. */
  readonly run: (uid: number, argv: readonly string[]) => { readonly code: number | null; readonly stdout: string };
  readonly unmount: () => Promise<void>;
}

const MOUNT = `
mount -t overlay -o "metacopy=on,redirect_dir=on,lowerdir=$1,upperdir=$2/upper,workdir=$2/work" volt "$2/root" || exit
echo mounted
# Ends when whoever holds the other end does.
cat`;

/** With the upper folder in `home`, which goes on with what an earlier mount left there. */
export async function mountLower(lower: string, home: string): Promise<Mounted> {
  for (const name of ['upper', 'work', 'root']) mkdirSync(join(home, name), { recursive: true });
  const [way, objects] = readFileSync(join(dirname(lower), 'way'), 'utf8')
    .trim()
    .split(' ');
  const layers = way === 'redirect' ? `${lower}::${objects}` : lower;
  const argv = ['--mount', '--propagation', 'private', '--', 'sh', '-c', MOUNT, 'sh', layers, home];
  const holder = spawn('unshare', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  if (!(await isMounted(holder))) throw new Error(`Cannot mount ${lower}`);
  const root = join(home, 'root');
  return {
    root: `/proc/${holder.pid}/root${root}`,
    run: (uid, program) => {
      const user = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
      const entering = [
        `--target=${holder.pid}`,
        '--mount',
        `--wd=/proc/${holder.pid}/root${root}`,
        'setpriv',
        ...user,
      ];
      const { status, stdout } = spawnSync('nsenter', [...entering, '--', ...program], { encoding: 'utf8' });
      return { code: status, stdout };
    },
    unmount: async () => {
      const ended = once(holder, 'exit');
      holder.stdin.end();
      await ended;
    },
  };
}

async function isMounted(holder: ChildProcess): Promise<boolean> {
  const said = once(holder.stdout!, 'data').then(() => true);
  return Promise.race([said, once(holder, 'exit').then(() => false)]);
}
