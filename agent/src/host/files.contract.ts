import { expect, test } from 'vitest';
import type { Files } from './files.ts';

/** What every Files promises. `makeFiles` answers with one, and an empty folder to work in. */
export function filesContract(makeFiles: () => Promise<{ files: Files; folder: string }>): void {
  const mode = 0o600;

  test('what was written is read', async () => {
    const { files, folder } = await makeFiles();
    await files.write(`${folder}/a`, 'one', { mode });
    await files.write(`${folder}/a`, 'two', { mode });
    expect(await files.read(`${folder}/a`)).toBe('two');
    expect(await files.list(folder)).toEqual(['a']);
  });

  test('what may be lost is written as whole as anything else', async () => {
    const { files, folder } = await makeFiles();
    await files.write(`${folder}/a`, 'one', { mode });
    await files.write(`${folder}/a`, 'two', { mode, durable: false });
    expect(await files.read(`${folder}/a`)).toBe('two');
    expect(await files.list(folder)).toEqual(['a']);
  });

  test('what is absent is undefined, empty and false', async () => {
    const { files, folder } = await makeFiles();
    expect(await files.read(`${folder}/a`)).toBeUndefined();
    expect(await files.list(`${folder}/a`)).toEqual([]);
    expect(await files.exists(`${folder}/a`)).toBe(false);
  });

  test('writing where there is no folder is NOT_FOUND and leaves nothing', async () => {
    const { files, folder } = await makeFiles();
    await expect(files.write(`${folder}/no/a`, 'one', { mode })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await files.list(folder)).toEqual([]);
  });

  test('a folder is made with those above it, again and again', async () => {
    const { files, folder } = await makeFiles();
    await files.makeFolder(`${folder}/a/b`, { mode: 0o700 });
    await files.write(`${folder}/a/b/c`, 'one', { mode });
    await files.makeFolder(`${folder}/a/b`, { mode: 0o700 });
    expect(await files.read(`${folder}/a/b/c`)).toBe('one');
  });

  test('a copy is the same and replaces what was there', async () => {
    const { files, folder } = await makeFiles();
    await files.write(`${folder}/a`, 'one', { mode });
    await files.write(`${folder}/b`, 'two', { mode });
    await files.copy(`${folder}/a`, `${folder}/b`, { mode });
    expect(await files.read(`${folder}/b`)).toBe('one');
    expect(await files.list(folder)).toEqual(['a', 'b']);
  });

  test('a link replaces a link, exists without its target, and is not read through', async () => {
    const { files, folder } = await makeFiles();
    await files.write(`${folder}/a`, 'one', { mode });
    await files.link(`${folder}/nosuch`, `${folder}/l`);
    expect(await files.exists(`${folder}/l`)).toBe(true);
    await files.link(`${folder}/a`, `${folder}/l`);
    expect(await files.list(folder)).toEqual(['a', 'l']);
  });

  test('a folder is moved with all that is in it, and takes no other’s place', async () => {
    const { files, folder } = await makeFiles();
    await files.makeFolder(`${folder}/a/b`, { mode: 0o700 });
    await files.write(`${folder}/a/b/c`, 'one', { mode });
    await files.moveFolder(`${folder}/a`, `${folder}/d`);
    expect(await files.read(`${folder}/d/b/c`)).toBe('one');
    expect(await files.list(folder)).toEqual(['d']);
    await files.makeFolder(`${folder}/e`, { mode: 0o700 });
    await expect(files.moveFolder(`${folder}/d`, `${folder}/e`)).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(files.moveFolder(`${folder}/no`, `${folder}/f`)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await files.list(folder)).toEqual(['d', 'e']);
  });

  test('removing succeeds, also what is absent', async () => {
    const { files, folder } = await makeFiles();
    await files.makeFolder(`${folder}/t/u`, { mode: 0o700 });
    await files.write(`${folder}/t/u/a`, 'one', { mode });
    await files.removeTree(`${folder}/t`);
    await files.removeTree(`${folder}/t`);
    await files.remove(`${folder}/a`);
    expect(await files.list(folder)).toEqual([]);
  });
}
