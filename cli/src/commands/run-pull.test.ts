import { VoltError } from '@volt/shared/errors';
import { expect, test } from 'vitest';
import { volt, type Answer } from '../run/testing.ts';

const row = (image: unknown) => ({ name: 'web', image, state: 'running', address: '10.0.0.2' });

/** A node with one image, which came from a registry or was made here; the registry and other nodes have `there`. */
function node(image?: { name: string; format: string; reference?: string }, there = true) {
  const names = new Set(image === undefined ? [] : [image.name]);
  const pull: Answer = async ({ params }, { emit }) => {
    if (!there) throw new VoltError('DEPENDENCY', 'This machine is in no cluster to fetch images from');
    await emit({ line: 'layer 1 of 1' });
    const reference = String(params['reference']);
    const name = reference.slice(reference.lastIndexOf('/') + 1);
    names.add(name.includes(':') ? name : `${name}:latest`);
    return { name: name.includes(':') ? name : `${name}:latest` };
  };
  const answers: Record<string, Answer> = {
    'image.inspect': ({ params }) => {
      if (params['name'] !== image?.name) throw new VoltError('NOT_FOUND', `No image '${String(params['name'])}'`);
      return { ...image, origin: { format: image?.format, reference: image?.reference } };
    },
    'image.pull': pull,
    'container.run': ({ params }) => {
      const name = String(params['image']);
      const isHere = names.has(name) || names.has(`${name}:latest`);
      if (!isHere) throw new VoltError('NOT_FOUND', `No image '${name}:latest'`, { hint: 'volt image list' });
      return row(name);
    },
  };
  return answers;
}

async function run(line: string, answers: Record<string, Answer>) {
  const { code, stderr, asked } = await volt(line, { answers });
  return {
    code,
    stderr,
    asked: asked
      .filter(({ method }) => method !== 'image.list')
      .map(({ method, params }) => `${method} ${String(params['image'] ?? params['reference'] ?? params['name'])}`),
  };
}

const REFERENCE = 'registry.example:5000/org/app:1';

test('an image of a registry that is not here is fetched first, and how far it is is told', async () => {
  expect(await run(`run web ${REFERENCE}`, node())).toEqual({
    code: 0,
    stderr: expect.stringContaining('layer 1 of 1'),
    asked: ['image.inspect app:1', `image.pull ${REFERENCE}`, 'container.run app:1'],
  });
});

test('one that was fetched before is not fetched again, unless that is asked for', async () => {
  const here = { name: 'app:1', format: 'registry', reference: REFERENCE };
  expect((await run(`run web ${REFERENCE}`, node(here))).asked).toEqual(['image.inspect app:1', 'container.run app:1']);
  expect((await run(`run web ${REFERENCE} --pull always`, node(here))).asked).toContain(`image.pull ${REFERENCE}`);
});

test.each([
  ['docker.io/nginx', 'nginx:latest', 'docker.io/library/nginx:latest'],
  ['docker.io/org/app', 'app:latest', 'docker.io/org/app:latest'],
  ['localhost:5000/app:2', 'app:2', 'localhost:5000/app:2'],
])('%s is known again', async (asked, name, reference) => {
  const here = { name, format: 'registry', reference };
  expect((await run(`run web ${asked}`, node(here))).asked).toEqual([`image.inspect ${name}`, `container.run ${name}`]);
});

test('one of another registry under the same name is not what was asked for', async () => {
  const other = { name: 'app:1', format: 'registry', reference: 'elsewhere.example/app:1' };
  expect((await run(`run web ${REFERENCE}`, node(other))).asked).toContain(`image.pull ${REFERENCE}`);
  expect((await run(`run web ${REFERENCE} --pull never`, node(other))).code).toBe(3);
});

test('with never nothing is fetched', async () => {
  expect(await run(`run web ${REFERENCE} --pull never`, node())).toMatchObject({
    code: 3,
    asked: ['image.inspect app:1'],
  });
  expect(await run('run web app --pull never', node())).toMatchObject({ code: 3, asked: ['container.run app'] });
});

test('an image that was made here under the same name is neither run in its place nor replaced', async () => {
  const made = { name: 'app:1', format: 'oci' };
  for (const policy of ['missing', 'always', 'never']) {
    expect(await run(`run web ${REFERENCE} --pull ${policy}`, node(made))).toMatchObject({
      code: 9,
      asked: ['image.inspect app:1'],
    });
  }
});

test('one without a registry costs no question more when it is here, and else comes from another node', async () => {
  expect((await run('run web app', node({ name: 'app:latest', format: 'tar' }))).asked).toEqual(['container.run app']);
  expect(await run('run web app', node())).toMatchObject({
    code: 0,
    asked: ['container.run app', 'image.pull app', 'container.run app:latest'],
  });
});

test('where nobody has it, that it is not here is what is said', async () => {
  const { code, stderr } = await run('run web app', node(undefined, false));
  expect(code).toBe(3);
  expect(stderr).toContain("No image 'app:latest'");
});

test('the policy is no word of the container', async () => {
  const { asked } = await volt('run web app --pull never', { answers: node({ name: 'app:latest', format: 'tar' }) });
  expect(asked.map(({ params }) => Object.keys(params))).toEqual([['name', 'image']]);
});
