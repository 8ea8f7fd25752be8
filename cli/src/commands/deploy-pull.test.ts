import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { expect, test } from 'vitest';
import { temporaryFolder, volt, type Answer } from '../run/testing.ts';

const REFERENCE = 'registry.example/org/app:1';
const nodes = [
  { name: 'n1', state: 'lost' },
  { name: 'n2', state: 'ready' },
  { name: 'n3', state: 'ready' },
];

function cluster(present = false): Record<string, Answer> {
  return {
    'node.list': () => nodes,
    'image.inspect': ({ params }) => {
      if (present) return { ...params, origin: { format: 'registry', reference: REFERENCE } };
      throw new VoltError('NOT_FOUND', 'No image');
    },
    'image.pull': async (_asked, { emit }) => {
      await emit({ line: 'layer 1 of 1' });
      return { name: 'app:1' };
    },
    'deploy.apply': ({ params }) => params['workloads'],
  };
}

async function apply(workloads: object[], answers: Record<string, Answer>, ...flags: string[]) {
  const file = join(temporaryFolder(), 'all.json');
  writeFileSync(file, JSON.stringify({ workloads }));
  const words = ['--context', 'cluster', 'deploy', 'apply', '-f', file, ...flags];
  const { code, stderr, asked } = await volt(words, { answers });
  const steps = asked.map(
    ({ method, options }) => `${method}${options.node === undefined ? '' : ` on ${options.node}`}`,
  );
  const sent = asked.find(({ method }) => method === 'deploy.apply')?.params['workloads'];
  return { code, stderr, steps, images: (sent as { image: string }[] | undefined)?.map(({ image }) => image) };
}

test('an image of a registry is fetched once, by a node that is ready, before anything is applied', async () => {
  const two = ['web', 'api'].map((name) => ({ name, image: REFERENCE }));
  const { code, steps, images, stderr } = await apply(two, cluster());
  expect(code).toBe(0);
  expect(steps).toEqual(['node.list', 'image.inspect on n2', 'image.pull on n2', 'deploy.apply']);
  expect(images).toEqual(['app:1', 'app:1']);
  expect(stderr).toContain('layer 1 of 1');
});

test('by one that may run it, where the workload names some', async () => {
  const { steps } = await apply([{ name: 'web', image: REFERENCE, nodes: ['n3'] }], cluster());
  expect(steps).toContain('image.pull on n3');
  const { code, images } = await apply([{ name: 'web', image: REFERENCE, nodes: ['n1'] }], cluster());
  expect(code).toBe(10);
  expect(images).toBeUndefined();
});

test('one that is there is not fetched again unless that is asked for', async () => {
  const one = [{ name: 'web', image: REFERENCE }];
  expect((await apply(one, cluster(true))).steps).not.toContain('image.pull on n2');
  expect((await apply(one, cluster(true), '--pull', 'always')).steps).toContain('image.pull on n2');
  expect(await apply(one, cluster(), '--pull', 'never')).toMatchObject({ code: 3, images: undefined });
});

test('nothing is asked of nodes for images of the cluster', async () => {
  expect((await apply([{ name: 'web', image: 'app:1' }], cluster())).steps).toEqual(['deploy.apply']);
});

test('what is neither is refused with its place', async () => {
  const { code, stderr } = await apply([{ name: 'web', image: 'no host/app' }], cluster());
  expect(code).toBe(12);
  expect(stderr).toMatch(/all\.json:1:\d+/);
});
