import { describe } from 'vitest';
import { FakeKv, FakeKvStore, kvContract } from './testing/index.ts';

describe('the fake', () => {
  const store = new FakeKvStore();
  kvContract(() => ({
    controller: new FakeKv(store),
    node: new FakeKv(store),
    storeRaw: async ({ bucket, key, bytes }) => void store.write(bucket, key, bytes),
  }));
});
