/** Stand-ins for the host, for the tests of other rooms. */
export { FakeSystemd } from './fake-systemd.ts';
export { MemoryFiles } from './memory-files.ts';
export { Died, Life, mortal } from './mortal.ts';
export { systemdContract } from './systemd.contract.ts';
