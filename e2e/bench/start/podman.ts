import type { LabNode } from '../../lab/index.ts';
import type { Contender } from '../bench.ts';
import { FOLDER, install, PORT, SERVER, type BenchNode } from './bench-node.ts';

const IMAGE = 'bench';
const ADDRESS = '10.88.0.9';

const files: Readonly<Record<string, string>> = {
  '/etc/containers/storage.conf': `[storage]
driver = "overlay"
graphroot = "${FOLDER}/podman"
runroot = "/run/containers/storage"
`,
  // A lab node's control groups have no controllers, and crun insists on the one that a limit needs.
  '/etc/containers/containers.conf': '[containers]\npids_limit = 0\n',
};

/** As Debian has it: crun, netavark's bridge, and the overlay of the kernel. */
export async function preparePodman(node: LabNode): Promise<void> {
  for (const [path, content] of Object.entries(files)) await node.writeFile(path, content);
  await install(node, 'podman', 'crun', 'netavark', 'conmon', 'nftables');
  await node.sh(`podman import --quiet ${FOLDER}/rootfs.tar ${IMAGE}`);
}

export function podmanRun({ measure }: BenchNode): Contender {
  // Its containers do not announce their address: whoever asked too early would ask again a second later.
  const server = { address: ADDRESS, port: PORT, asked: 'afterwards' } as const;
  let count = 0;
  return {
    name: 'podman run',
    role: 'peer',
    sample: async () => {
      const name = `pod-${++count}`;
      const argv = ['podman', 'run', '--detach', `--name=${name}`, `--ip=${ADDRESS}`, IMAGE, ...SERVER];
      try {
        return await measure({ act: { kind: 'command', argv }, server });
      } finally {
        await measure({ act: { kind: 'command', argv: ['podman', 'rm', '--force', '--time=0', name] } });
      }
    },
  };
}
