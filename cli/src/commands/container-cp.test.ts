/** Where a copy lands, by what is at both ends: as cp does it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { describe, expect, test } from 'vitest';
import { temporaryFolder, volt, type Answer, type Asked } from '../run/testing.ts';
import { FakeTerminal } from '../terminal/testing.ts';

/** What is inside: paths to `dir`, `file`, or `-> link`. */
type Inside = Readonly<Record<string, string>>;

const base = { mode: 0o644, uid: 0, gid: 0, sizeBytes: 0 };

const lookIn =
  (inside: Inside): Answer =>
  ({ params: { path, follow } }) => {
    const at = String(path).replace(/\/\.?$/, '') || '/';
    const found = inside[at];
    if (found === undefined) return null;
    if (!found.startsWith('->')) return { ...base, path: at, type: found };
    const target = found.slice(3);
    if (follow !== true) return { ...base, path: at, type: 'symlink', target };
    return inside[target] === undefined ? null : { ...base, path: target, type: inside[target] };
  };

/** Sends what tar makes of a folder here, with the name that was asked for. */
const packFrom =
  (folder: string): Answer =>
  async ({ params: { as } }, { emit }) => {
    const archive = execFileSync('tar', ['-c', '-C', folder, `--transform=s,^src,${String(as)},`, 'src']);
    await emit({ data: archive.toString('base64') });
    return { sizeBytes: archive.length };
  };

/** Takes what is sent, and says what tar sees in it. */
function taking() {
  const seen: { names: string[]; asked: Asked | undefined } = { names: [], asked: undefined };
  const answer: Answer = async (asked, { input }) => {
    const parts: Buffer[] = [];
    for await (const frame of input as AsyncIterable<{ kind: string; data: string }>) {
      if (frame.kind === 'data') parts.push(Buffer.from(frame.data, 'base64'));
    }
    seen.asked = asked;
    seen.names = execFileSync('tar', ['-t'], { input: Buffer.concat(parts) })
      .toString()
      .trim()
      .split('\n')
      .toSorted();
    return { entries: 1, sizeBytes: 1 };
  };
  return { seen, answer };
}

function here() {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'src/a'), 'hello');
  writeFileSync(join(folder, 'file'), 'hello');
  symlinkSync('src', join(folder, 'link'));
  return folder;
}

const dirs: Inside = { '/': 'dir', '/srv': 'dir', '/srv/www': 'dir', '/srv/file': 'file', '/srv/l': '-> /srv/file' };

describe('into a container', () => {
  test.each([
    ['a file into a folder', 'file', '/srv', { path: '/srv', as: 'file' }, ['file']],
    ['a file under a new name', 'file', '/srv/new', { path: '/srv', as: 'new' }, ['file']],
    ['a file over another', 'file', '/srv/file', { path: '/srv', as: 'file' }, ['file']],
    ['a file over what a link leads to', 'file', '/srv/l', { path: '/srv', as: 'file' }, ['file']],
    ['a folder into a folder', 'src', '/srv/www', { path: '/srv/www', as: 'src' }, ['src/', 'src/a']],
    ['a folder under a new name', 'src', '/srv/new', { path: '/srv', as: 'new' }, ['src/', 'src/a']],
    ['what is in a folder into a folder', 'src/.', '/srv/www', { path: '/srv/www' }, ['./', './a']],
    ['what is in a folder under a new name', 'src/.', '/srv/new', { path: '/srv', as: 'new' }, ['src/', 'src/a']],
    ['a link as it is', 'link', '/srv', { path: '/srv', as: 'link' }, ['link']],
    ['what a link leads to', 'link/', '/srv', { path: '/srv', as: 'link' }, ['src/', 'src/a']],
    ['with a path that is relative', 'file', 'srv', { path: '/srv', as: 'file' }, ['file']],
  ])('%s', async (...[_what, source, target, expected, names]) => {
    const { seen, answer } = taking();
    const answers = { 'container.look': lookIn(dirs), 'container.unpack': answer };
    const { code, stderr } = await volt(['cp', `${here()}/${source}`, `web:${target}`], { answers });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(seen.asked?.params).toEqual({ name: 'web', keepOwner: false, ...expected });
    expect(seen.names).toEqual(names);
  });

  test.each([
    ['a folder over a file', 'src', '/srv/file', 9],
    ['a file into a folder that is not there', 'file', '/srv/none/', 3],
    ['a file under a folder that is not there', 'file', '/none/new', 3],
    ['what is not there', 'none', '/srv', 3],
  ])('%s is refused, and nothing is sent', async (_what, source, target, expected) => {
    const { answer, seen } = taking();
    const answers = { 'container.look': lookIn(dirs), 'container.unpack': answer };
    const { code } = await volt(['cp', `${here()}/${source}`, `web:${target}`], { answers });
    expect(code).toBe(expected);
    expect(seen.asked).toBeUndefined();
  });

  test('an archive from standard input, into a folder that is there', async () => {
    const { seen, answer } = taking();
    const archive = execFileSync('tar', ['-c', '-C', here(), 'src']);
    const answers = { 'container.look': lookIn(dirs), 'container.unpack': answer };
    const given = { answers, terminal: new FakeTerminal({ input: archive.toString('latin1') }) };
    expect((await volt('cp -a - web:/srv', given)).code).toBe(0);
    expect(seen.asked?.params).toEqual({ name: 'web', path: '/srv', keepOwner: true });
    const again = { answers, terminal: new FakeTerminal({ input: '' }) };
    expect((await volt('cp - web:/srv/file', again)).code).toBe(9);
  });
});

describe('out of a container', () => {
  const inside: Inside = { '/src': 'dir', '/l': '-> /src', '/': 'dir' };
  const answers = () => ({ 'container.look': lookIn(inside), 'container.pack': packFrom(here()) });

  test.each([
    ['into a folder that is there', 'web:/src', 'there', 'there/src/a'],
    ['under a new name', 'web:/src', 'new', 'new/a'],
    ['what is in it, into a folder that is there', 'web:/src/.', 'there', 'there/a'],
    ['what is in it, under a new name', 'web:/src/.', 'new', 'new/a'],
  ])('a folder %s', async (_what, source, target, expected) => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'there'), { mode: 0o711 });
    const { code, stderr } = await volt(['cp', source, join(folder, target)], { answers: answers() });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(readFileSync(join(folder, expected), 'utf8')).toBe('hello');
    // What was there stays as it was.
    expect(statSync(join(folder, 'there')).mode & 0o777).toBe(0o711);
  });

  test('a link that is not followed is asked for as it is', async () => {
    const folder = temporaryFolder();
    const asked: Asked[] = [];
    const archive = execFileSync('tar', ['-c', '-C', here(), 'link']);
    const pack: Answer = async (one, { emit }) => {
      asked.push(one);
      await emit({ data: archive.toString('base64') });
      return { sizeBytes: archive.length };
    };
    await volt(['cp', 'web:/l', folder], { answers: { ...answers(), 'container.pack': pack } });
    expect(asked[0]?.params).toMatchObject({ path: '/l', as: 'l', follow: false });
    expect(readlinkSync(join(folder, 'link'))).toBe('src');
  });

  test('an archive onto standard output, but not onto a terminal', async () => {
    const given = (isTerminal: boolean) => ({
      answers: answers(),
      terminal: new FakeTerminal(isTerminal ? { columns: 80 } : {}),
    });
    const { code, stdout } = await volt('cp web:/src -', given(false));
    expect(code).toBe(0);
    expect(stdout).toContain('src/a');
    expect((await volt('cp web:/src -', given(true))).code).toBe(2);
  });

  test('what tar refuses to unpack is refused, and nothing is written outside', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'in'));
    const archive = execFileSync('tar', ['-c', '-P', '--transform=s,^,../,', '-C', here(), 'file']);
    const pack: Answer = async (_, { emit }) => {
      await emit({ data: archive.toString('base64') });
      return { sizeBytes: archive.length };
    };
    const { code } = await volt(['cp', 'web:/src', join(folder, 'in')], {
      answers: { ...answers(), 'container.pack': pack },
    });
    expect(code).not.toBe(0);
    expect(readdirSync(folder)).toEqual(['in']);
  });

  test('what is not there', async () => {
    const { code, stderr } = await volt(['cp', 'web:/none', temporaryFolder()], { answers: answers() });
    expect(code).toBe(3);
    expect(stderr).toContain("There is no '/none' in 'web'");
  });
});

test('from one container to another, through here', async () => {
  const { seen, answer } = taking();
  const look: Answer = (asked, stream) =>
    lookIn(asked.params['name'] === 'web' ? { '/src': 'dir' } : dirs)(asked, stream);
  const answers = { 'container.look': look, 'container.pack': packFrom(here()), 'container.unpack': answer };
  const { code, stderr } = await volt('cp web:/src db:/srv', { answers });
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(seen.asked?.params).toEqual({ name: 'db', path: '/srv', as: 'src', keepOwner: false });
  expect(seen.names).toEqual(['src/', 'src/a']);
});

test.each([
  ['cp ./a ./b', 'One of both must be in a container'],
  ['cp ./a:b ./c', 'One of both must be in a container'],
  ['cp Web:/a ./b', "'Web' is not the name of a container"],
])('%s is refused', async (line, expected) => {
  const { code, stderr, asked } = await volt(line);
  expect(code).toBe(2);
  expect(stderr).toContain(expected);
  expect(asked).toEqual([]);
});

test('a copy of a workload is found wherever in the cluster it runs', async () => {
  const { seen, answer } = taking();
  const rows = [{ name: 'web-0', workload: 'web', node: 'node2', state: 'running' }];
  const look: Answer = (asked, stream) => {
    if (asked.params['name'] === 'web') throw new VoltError('NOT_FOUND', "There is no container 'web'");
    return lookIn(dirs)(asked, stream);
  };
  const answers = { 'instance.list': () => rows, 'container.look': look, 'container.unpack': answer };
  const { code, stderr } = await volt(['cp', `${here()}/file`, 'web:/srv'], { answers });
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(seen.asked?.params).toMatchObject({ name: 'web-0', path: '/srv' });
  expect(seen.asked?.options).toMatchObject({ scope: 'controller', node: 'node2' });
});
