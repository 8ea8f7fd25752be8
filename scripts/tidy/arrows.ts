/** Who imports whom: the rules over scripts/rooms.ts. */
import { posix } from 'node:path';
import { mayHold, mayImport, roomOf, rooms } from '../rooms.ts';
import { isTest, type Failure, type Source } from './source.ts';

const PROGRAMS = ['agent', 'controller', 'cli'];
/** The one file that may start a program. */
const ENTRY = 'scripts/volt-entry.ts';
/** Writes the reference, and so reads what the CLI says of itself. */
const GENERATOR = 'scripts/generate/';

type Verdict = Pick<Failure, 'rule' | 'fix'> | undefined;

export function checkArrows(source: Source): Failure[] {
  const room = roomOf(source.path);
  const failures: Failure[] = [];
  if (room !== undefined && !(room in rooms)) {
    const fix = 'give it a row in scripts/rooms.ts: what it may import and hold';
    failures.push({ file: source.path, line: 1, rule: `room '${room}' is not in the table`, fix });
    return failures;
  }
  for (const { specifier, line } of source.imports) {
    const verdict = judge(source.path, specifier);
    if (verdict !== undefined) failures.push({ file: source.path, line, ...verdict });
  }
  return failures;
}

function judge(from: string, specifier: string): Verdict {
  if (specifier.startsWith('.')) return judgeFile(from, posix.join(posix.dirname(from), specifier));
  if (specifier.startsWith('@volt/')) return judgeRoom(from, specifier.slice('@volt/'.length));
  return judgePackage(from, specifier);
}

/** An import by path: inside the room, or through another room's door in the same package. */
function judgeFile(from: string, to: string): Verdict {
  const [fromTop, toTop] = [topOf(from), topOf(to)];
  if (to.endsWith('/src/main.ts')) {
    return from === ENTRY ? undefined : { rule: 'nothing imports main.ts', fix: 'move what is needed into a room' };
  }
  if (fromTop === 'e2e/contracts') return undefined;
  if (fromTop !== toTop) {
    const isOutside = fromTop === 'scripts' || fromTop.startsWith('e2e/');
    if (isOutside && toTop.startsWith('e2e/')) return throughDoor(from, to);
    const fix = `import '@volt/…', through the index.ts of a room`;
    return { rule: `a path from ${fromTop} into ${toTop}`, fix };
  }
  const [fromRoom, toRoom] = [roomOf(from), roomOf(to)];
  if (fromRoom === toRoom) return undefined;
  if (toRoom === undefined) {
    return { rule: 'a room imports a top file', fix: 'move what both need into a room; top files only wire' };
  }
  return throughDoor(from, to) ?? judgeArrow(from, toRoom);
}

/** A room is entered by its index.ts; tests may also use what a room offers to tests. */
function throughDoor(from: string, to: string): Verdict {
  const isForTests = isTest(from) && isTest(to) && !to.endsWith('.test.ts');
  const isDoor = /^(\w+\/src\/[\w-]+|e2e\/[\w-]+)\/index\.ts$/.test(to);
  return isDoor || isForTests ? undefined : { rule: `a side door: ${to}`, fix: 'import the index.ts of that room' };
}

/** An import by name: `@volt/shared/errors`. */
function judgeRoom(from: string, to: string): Verdict {
  const [program = '', folder = '', ...deeper] = to.split('/');
  const fromTop = topOf(from);
  const isForTests = deeper.join() === 'testing' && (isTest(from) || fromTop.startsWith('e2e/'));
  if (!isForTests && (deeper.length > 0 || folder === '')) {
    return { rule: `a side door: @volt/${to}`, fix: `import '@volt/${program}/${folder || '<room>'}'` };
  }
  if (fromTop === 'e2e/contracts') return undefined;
  if (fromTop.startsWith('e2e') || fromTop === 'scripts') {
    if (program === 'cli' && from.startsWith(GENERATOR)) return undefined;
    return program === 'shared' || program === 'e2e' ? undefined : strangers(fromTop, program);
  }
  if (program !== fromTop && program !== 'shared') return strangers(fromTop, program);
  return roomOf(from) === undefined ? undefined : judgeArrow(from, `${program}/${folder}`);
}

function strangers(from: string, to: string): Verdict {
  const fix = PROGRAMS.includes(from) ? 'share it through a room of shared/' : 'drive the built program instead';
  return { rule: `${from} imports ${to}`, fix };
}

function judgeArrow(from: string, toRoom: string): Verdict {
  const room = roomOf(from);
  if (room === undefined || isTest(from) || mayImport(room, toRoom)) return undefined;
  const fix =
    'ask for it by a small interface that main.ts fills, or add the arrow to scripts/rooms.ts with a decision';
  return { rule: `${room} imports ${toRoom}`, fix };
}

function judgePackage(from: string, specifier: string): Verdict {
  const room = roomOf(from);
  if (room === undefined || isTest(from)) return undefined;
  const name = specifier.startsWith('node:') ? specifier : packageOf(specifier);
  if (mayHold(room, name)) return undefined;
  return {
    rule: `${room} holds ${name}`,
    fix: 'use the room that owns it, or add it to scripts/rooms.ts with a decision',
  };
}

/** `@scope/name/deep` → `@scope/name`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** The part of the house a file is in: a program, `scripts`, or one folder of e2e. */
function topOf(path: string): string {
  const [top = '', folder = ''] = path.split('/');
  return top === 'e2e' ? `e2e/${folder}` : top;
}
