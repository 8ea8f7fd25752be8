/** Sizes, doors and purity. */
import { roomOf, rooms } from '../rooms.ts';
import { isTest, type Failure, type Source } from './source.ts';

const FILE_LINES_MAX = 400;
const TEST_LINES_MAX = 800;
const DOOR_LINES_MAX = 20;
const FUNCTION_LINES_MAX = 60;
const PARAMETERS_MAX = 4;
const METHODS_MAX = 12;
const COLUMNS_MAX = 120;

export function checkShape(source: Source): Failure[] {
  return [...checkSizes(source), ...checkDoor(source), ...checkPurity(source)];
}

function checkSizes(source: Source): Failure[] {
  const { path, lines } = source;
  const failures: Failure[] = [];
  const fail = (line: number, rule: string, fix: string) => failures.push({ file: path, line, rule, fix });

  const linesMax = isTest(path) ? TEST_LINES_MAX : FILE_LINES_MAX;
  const count = lines.at(-1) === '' ? lines.length - 1 : lines.length;
  if (count > linesMax) fail(1, `${count} lines, the limit is ${linesMax}`, 'split by noun');

  lines.forEach((line, index) => {
    if (line.length > COLUMNS_MAX)
      fail(
        index + 1,
        `${line.length} columns, the limit is ${COLUMNS_MAX}`,
        'run pnpm format; break long comments and strings by hand',
      );
  });
  for (const shape of source.functions) {
    if (shape.lines > FUNCTION_LINES_MAX && !isTest(path)) {
      fail(shape.line, `a function of ${shape.lines} lines, the limit is ${FUNCTION_LINES_MAX}`, 'name its parts');
    }
    if (shape.parameters > PARAMETERS_MAX) {
      fail(shape.line, `${shape.parameters} parameters, the limit is ${PARAMETERS_MAX}`, 'take one options object');
    }
  }
  for (const { name, line, methods } of source.interfaces) {
    if (methods > METHODS_MAX) {
      fail(line, `interface ${name} has ${methods} methods, the limit is ${METHODS_MAX}`, 'make several small ports');
    }
  }
  return failures;
}

function checkDoor(source: Source): Failure[] {
  if (!/^\w+\/src\/[\w-]+\/index\.ts$/.test(source.path)) return [];
  const failure = (rule: string, fix: string): Failure => ({ file: source.path, line: 1, rule, fix });
  const isLong = source.lines.filter((line) => line !== '').length > DOOR_LINES_MAX;
  return [
    ...(source.onlyExports ? [] : [failure('a door does more than export', 'move the code into a file of its own')]),
    ...(isLong ? [failure(`a door of more than ${DOOR_LINES_MAX} lines`, 'export less, or make two rooms')] : []),
  ];
}

function checkPurity(source: Source): Failure[] {
  const { path } = source;
  const isPure = path.endsWith('/plan.ts') || (rooms[roomOf(path) ?? '']?.pure ?? false);
  if (!isPure || isTest(path)) return [];
  return source.impurities.map(({ what, line }) => ({
    file: path,
    line,
    rule: `${what} in a pure file`,
    fix: 'take the time, the dice or the result as an argument',
  }));
}
