import { describe } from 'vitest';
import { FakeSystemd } from './fake-systemd.ts';
import { MemoryFiles } from './memory-files.ts';
import { systemdContract } from './systemd.contract.ts';

describe('the fake systemd', () => {
  systemdContract(async () => {
    const files = new MemoryFiles();
    await files.makeFolder('/units', { mode: 0o755 });
    const systemd = new FakeSystemd(files, '/units');
    const unit = async (name: string, program: 'runs' | 'fails' | 'ignores TERM') => {
      const file = `volt-container@${name}.service`;
      await files.write(`/units/${file}`, '', { mode: 0o644 });
      systemd.programs.set(file, program);
      return file;
    };
    return {
      systemd,
      runs: await unit('runs', 'runs'),
      fails: await unit('fails', 'fails'),
      ignoresTerm: await unit('stubborn', 'ignores TERM'),
    };
  });
});
