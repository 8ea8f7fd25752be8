export { FakeImages, FakeLedgerFile, FakeWorkloads, silentLog } from './fakes.ts';
