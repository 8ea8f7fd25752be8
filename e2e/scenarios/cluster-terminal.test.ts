/** Terminals of containers on other nodes: through a controller, and at the address of their agent. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formCluster, voltText } from '../cluster/index.ts';
import { openTestLab, withEvidence } from '../lab/testing.ts';
import { onTerminal, type Step } from './on-terminal.ts';
import { ARCHIVE, MAKE_ARCHIVE } from './one-node.ts';

const MIB = 1024 * 1024;
const IMAGE = 'far-image';
const CLUSTER = '/etc/volt/cluster';
const AGENT_CONTEXT = 'far-agent';
const LEAVE: Step = { type: '\u0010\u0011' };

const script =
  'echo ready; stty size; until [ "$(stty size)" = "43 101" ]; do :; done; echo resized; read -r word; ' +
  'echo "got $word"; trap "echo caught; exit 7" INT; while :; do read -r word || :; done';

const steps: readonly Step[] = [
  { wait: 'ready' },
  { wait: '24 80' },
  { resize: [101, 43] },
  { wait: 'resized' },
  { type: '\u65E5\u00E9\r' },
  { wait: 'got \u65E5\u00E9' },
  { type: '\u0003' },
  { wait: 'caught' },
];

/** How node 1 reaches what runs on node 2. */
const ways = [
  ['through a controller', ['--context', 'cluster', '--node', 'node2']],
  ['at the address of its agent', ['--context', AGENT_CONTEXT]],
] as const;

beforeAll(async () => {
  const lab = await openTestLab();
  await formCluster(lab);
  const [one, two] = [lab.node(1), lab.node(2)];
  await two.sh(MAKE_ARCHIVE);
  await voltText(two, ['image', 'import', IMAGE, ARCHIVE]);
  const pems = ['--ca', `${CLUSTER}/ca.crt`, '--cert', `${CLUSTER}/admin.crt`, '--key', `${CLUSTER}/admin.key`];
  const host = `https://${two.address}:7443`;
  await voltText(one, ['context', 'add', AGENT_CONTEXT, '--kind', 'agent', '--host', host, ...pems]);
});

afterAll(async () => {
  const lab = await openTestLab();
  await voltText(lab.node(1), ['context', 'rm', AGENT_CONTEXT]);
  await voltText(lab.node(2), ['image', 'delete', IMAGE]);
});

for (const [way, flags] of ways) {
  test(
    `run -it ${way}: sizes, letters, Ctrl-C and the exit code`,
    withEvidence(`terminal run ${way}`, async (lab) => {
      const argv = ['volt', 'run', 'far-box', IMAGE, '-it', '--rm', ...flags, '--', 'sh', '-c', script];
      const { code, isRestored } = await onTerminal(lab.node(1), argv, steps);
      expect({ code, isRestored }).toEqual({ code: 7, isRestored: true });
      expect(await voltText(lab.node(2), ['container', 'list'])).not.toContain('far-box');
    }),
  );

  test(
    `exec, a paste, leaving and attach ${way}`,
    withEvidence(`terminal exec ${way}`, async (lab) => {
      const one = lab.node(1);
      const program = ['sh', '-c', 'stty -echo; echo ready; printf "> "; cat > /dev/null; echo ended; exit 3'];
      try {
        const left = ['volt', 'run', 'far-box', IMAGE, '-it', ...flags, '--', ...program];
        expect(await onTerminal(one, left, [{ wait: 'ready' }, LEAVE])).toMatchObject({ code: 0, isRestored: true });
        const exec = ['volt', 'exec', 'far-box', '-it', ...flags, '--', 'sh', '-c', script];
        expect((await onTerminal(one, exec, steps)).code).toBe(7);
        const count = ['volt', 'exec', 'far-box', '-it', ...flags, '--', 'sh', '-c', 'stty -echo; echo ready; wc -c'];
        const pasted = await onTerminal(one, count, [{ wait: 'ready' }, { paste: MIB }, { type: '\u0004' }]);
        expect(pasted.shown).toContain(String(MIB));
        const attach = ['volt', 'attach', 'far-box', ...flags];
        expect(await onTerminal(one, attach, [{ wait: '> ' }, { type: '\u0004' }, { wait: 'ended' }])).toMatchObject({
          code: 3,
        });
      } finally {
        await voltText(lab.node(2), ['container', 'delete', 'far-box', '--force']);
      }
    }),
  );
}
