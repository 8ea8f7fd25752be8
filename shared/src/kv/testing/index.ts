/** For tests only: imports the test runner, so no program may import it. */
export { FakeKv, FakeKvStore } from './fake-kv.ts';
export { kvContract, type KvSubjects } from './kv.contract.ts';
export { aNode, anAssignment, aStatus, aWorkload } from './samples.ts';
export { SimClock } from './sim-clock.ts';
