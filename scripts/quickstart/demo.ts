/** What the quick start shows: an image, three replicas, a page from each, and the loss of a node. */
import { eventually, voltJson, voltText } from '../../e2e/cluster/index.ts';
import type { Lab, LabNode } from '../../e2e/lab/index.ts';

export interface Instance {
  readonly name: string;
  readonly node: string;
  readonly state: string;
  readonly address: string | null;
}

export const IMAGE = 'web';
const REPLICAS = 3;
const READY_TIMEOUT_MS = 90_000;

/**
 * Run in the image as its last step. nginx opens its log by name, which cannot
 * be done with the journal's socket that standard output is: it gets a pipe.
 */
const SCRIPT = `cat > /etc/nginx/nginx.conf <<'EOF'
daemon off;
error_log stderr;
pid /run/nginx.pid;
events { worker_connections 256; }
http {
  access_log /run/access.log;
  server {
    listen 80 default_server;
    location / { default_type text/plain; return 200 "Hello from $hostname\\n"; }
  }
}
EOF
cat > /usr/local/bin/serve <<'EOF'
#!/bin/sh
rm -f /run/access.log
mkfifo /run/access.log
cat /run/access.log &
exec nginx
EOF
chmod 755 /usr/local/bin/serve
`;

const MANIFEST = `name: web
image: ${IMAGE}
replicas: ${REPLICAS}
`;

/** Builds the image on the node unless it is there. */
export async function buildImage(node: LabNode, report: (line: string) => void): Promise<void> {
  const images = await voltJson<{ name: string }[]>(node, ['image', 'list']);
  if (images.some(({ name }) => name === IMAGE || name === `${IMAGE}:latest`)) return report('it is there already');
  const args = ['image', 'build', IMAGE, '--packages', 'nginx-light', '--entrypoint', '/usr/local/bin/serve'];
  await voltText(node, [...args, '--script', SCRIPT], { timeoutMs: 240_000 });
}

export async function deploy(node: LabNode): Promise<Instance[]> {
  await voltText(node, ['deploy', 'apply', '-f', '-'], { input: MANIFEST });
  return untilServing(node);
}

/** Resolves with the replicas once each has answered with its page. */
export async function untilServing(node: LabNode): Promise<Instance[]> {
  return eventually(
    `${REPLICAS} replicas serve`,
    async () => {
      const running = (await instances(node)).filter(({ state }) => state === 'running');
      if (running.length !== REPLICAS) return undefined;
      for (const instance of running) await fetchPage(node, instance);
      return running;
    },
    READY_TIMEOUT_MS,
  );
}

export const instances = (node: LabNode): Promise<Instance[]> =>
  voltJson<Instance[]>(node, ['ps', '--context', 'cluster']);

/** The page of one replica, fetched on the node; rejects when it does not answer. */
export function fetchPage(node: LabNode, { address }: Instance): Promise<string> {
  return node.sh(`curl --silent --show-error --fail --max-time 2 http://${address}/`);
}

/** The node with a replica that can be lost without losing the one we talk through. */
export function nodeToLose(lab: Lab, running: readonly Instance[]): LabNode {
  const victim = running.map(({ node }) => node).findLast((name) => name !== 'node1');
  return lab.node(victim ?? 'node3');
}
