/** What every Kv promises. Run against FakeKv in unit tests and against NATS in e2e/contracts. */
import { expect, test } from 'vitest';
import { CONTROLLER_LEASE } from '../buckets.ts';
import type { Kv } from '../kv.ts';
import { anAssignment, aStatus, aWorkload } from './samples.ts';

export interface KvSubjects {
  readonly controller: Kv;
  /** As node `node1`. */
  readonly node: Kv;
  /** Puts bytes under a key of another writer, past the port. */
  readonly storeRaw: (subject: { bucket: 'assignments'; key: string; bytes: Uint8Array }) => Promise<void>;
}

export function kvContract(subjects: () => KvSubjects): void {
  test('what is created can be read by key and by list', async () => {
    const { controller } = subjects();
    const revision = await controller.create('workloads', 'created', aWorkload('created'));
    const entry = { key: 'created', revision, value: aWorkload('created') };
    expect(await controller.get('workloads', 'created')).toEqual(entry);
    expect(await controller.list('workloads')).toContainEqual(entry);
  });

  test('an absent key reads as undefined and is not listed', async () => {
    const { controller } = subjects();
    expect(await controller.get('workloads', 'absent')).toBeUndefined();
    expect((await controller.list('workloads')).map(({ key }) => key)).not.toContain('absent');
  });

  test('creating a taken key is CONFLICT and leaves it as it was', async () => {
    const { controller } = subjects();
    await controller.create('workloads', 'taken', aWorkload('taken'));
    const second = controller.create('workloads', 'taken', { ...aWorkload('taken'), generation: 2 });
    await expect(second).rejects.toMatchObject({ code: 'CONFLICT' });
    expect((await controller.get('workloads', 'taken'))?.value?.generation).toBe(1);
  });

  test('a deleted key can be created again', async () => {
    const { controller } = subjects();
    const first = await controller.create('workloads', 'again', aWorkload('again'));
    await controller.delete('workloads', 'again', first);
    expect(await controller.get('workloads', 'again')).toBeUndefined();
    expect(await controller.create('workloads', 'again', aWorkload('again'))).toBeGreaterThan(first);
  });

  test('an update at the present revision is written, one at an older is CONFLICT', async () => {
    const { controller } = subjects();
    const first = await controller.create('workloads', 'raced', aWorkload('raced'));
    await controller.update('workloads', 'raced', { ...aWorkload('raced'), generation: 2 }, first);
    const late = controller.update('workloads', 'raced', { ...aWorkload('raced'), generation: 3 }, first);
    await expect(late).rejects.toMatchObject({ code: 'CONFLICT' });
    expect((await controller.get('workloads', 'raced'))?.value?.generation).toBe(2);
  });

  test('a delete at an older revision is CONFLICT, and a delete of an absent key is fine', async () => {
    const { controller } = subjects();
    const first = await controller.create('workloads', 'kept', aWorkload('kept'));
    await controller.put('workloads', 'kept', aWorkload('kept'));
    await expect(controller.delete('workloads', 'kept', first)).rejects.toMatchObject({ code: 'CONFLICT' });
    await controller.delete('workloads', 'never-there');
    expect((await controller.list('workloads')).map(({ key }) => key)).toContain('kept');
  });

  test('of two creates of one key exactly one wins', async () => {
    const { controller } = subjects();
    const tries = Array.from({ length: 5 }, () => controller.create('workloads', 'contested', aWorkload('contested')));
    const outcomes = await Promise.allSettled(tries);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('every acknowledged write is in the next list', async () => {
    const { controller } = subjects();
    for (let index = 0; index < 20; index += 1) {
      await controller.create('workloads', `seen-${index}`, aWorkload(`seen-${index}`));
      expect((await controller.list('workloads')).map(({ key }) => key)).toContain(`seen-${index}`);
    }
  });

  test('a value beyond the bound of its bucket is RESOURCE', async () => {
    const { controller } = subjects();
    const huge = {
      ...aWorkload('huge'),
      spec: { ...aWorkload('huge').spec, command: Array(20).fill('x'.repeat(8000)) },
    };
    await expect(controller.create('workloads', 'huge', huge)).rejects.toMatchObject({ code: 'RESOURCE' });
  });

  test('a node lists its own keys only', async () => {
    const { controller, node } = subjects();
    await controller.create('assignments', 'node1.own-0', anAssignment('node1', 'own-0'));
    await controller.create('assignments', 'node10.other-0', anAssignment('node10', 'other-0'));
    const keys = (await node.list('assignments', 'node1')).map(({ key }) => key);
    expect(keys).toContain('node1.own-0');
    expect(keys).not.toContain('node10.other-0');
  });

  test('a node does not list a deleted key', async () => {
    const { controller, node } = subjects();
    const revision = await controller.create('assignments', 'node1.gone-0', anAssignment('node1', 'gone-0'));
    await controller.delete('assignments', 'node1.gone-0', revision);
    expect((await node.list('assignments', 'node1')).map(({ key }) => key)).not.toContain('node1.gone-0');
  });

  test('a controller lists what a node wrote', async () => {
    const { controller, node } = subjects();
    await node.put('status', 'node1.told-0', aStatus('node1', 'told-0'));
    expect((await controller.list('status')).map(({ key }) => key)).toContain('node1.told-0');
  });

  test('a node reads the lease of the controllers', async () => {
    const { controller, node } = subjects();
    const lease = { holder: 'node1', session: 'a', token: 7, renewedAt: '2026-01-01T00:00:00.000Z' };
    const revision = await controller.create('leases', CONTROLLER_LEASE, lease);
    expect(await node.get('leases', CONTROLLER_LEASE)).toEqual({ key: CONTROLLER_LEASE, revision, value: lease });
  });

  test('what is not of the schema is listed with no value, by controllers and nodes', async () => {
    const { controller, node, storeRaw } = subjects();
    await storeRaw({ bucket: 'assignments', key: 'node1.odd-0', bytes: new TextEncoder().encode('{"instance":1}') });
    const isOdd = ({ key }: { key: string }) => key === 'node1.odd-0';
    expect((await controller.list('assignments')).find(isOdd)?.value).toBeNull();
    expect((await node.list('assignments', 'node1')).find(isOdd)?.value).toBeNull();
  });

  test('a watch wakes after a change can be read, and not after its signal', async () => {
    const { controller, node } = subjects();
    const stop = new AbortController();
    const read = new Promise<string[]>((resolve) => {
      const look = async () => {
        const keys = (await node.list('assignments', 'node1')).map(({ key }) => key);
        if (keys.includes('node1.watched-0')) resolve(keys);
      };
      node.watch('assignments', 'node1', () => void look(), stop.signal);
    });
    await controller.create('assignments', 'node1.watched-0', anAssignment('node1', 'watched-0'));
    expect(await read).toContain('node1.watched-0');
    stop.abort();
  });
}
