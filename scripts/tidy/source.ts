/** A source file as the rules see it: its text, its imports, its functions and the names it declares. */
import { parseSync } from 'oxc-parser';
import { collectShapes, type Shapes } from './shapes.ts';

/** One thing that is wrong, and what to do about it. */
export interface Failure {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
  readonly fix: string;
}

export interface Source extends Shapes {
  /** From the top of the source tree. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly imports: readonly { readonly specifier: string; readonly line: number }[];
  /** Whether it holds nothing but `export … from`. */
  readonly onlyExports: boolean;
}

/** Tests, and what rooms offer to tests: contracts, builders and fakes. */
export const isTest = (path: string): boolean =>
  /\.(test|contract)\.ts$|\/testing(\.ts$|\/)|^e2e\/scenarios\//.test(path);

export function parseSource(path: string, text: string): Source {
  const { program, module, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  const lineOf = lineCounter(text);
  const shapes = collectShapes(program, lineOf);

  const statically = [...module.staticImports, ...module.staticExports.flatMap((item) => item.entries)].flatMap(
    (item) =>
      item.moduleRequest ? [{ specifier: item.moduleRequest.value, line: lineOf(item.moduleRequest.start) }] : [],
  );
  const dynamically = module.dynamicImports.flatMap(({ moduleRequest: { start, end } }) => {
    const literal = /^(['"])(.*)\1$/.exec(text.slice(start, end));
    return literal ? [{ specifier: literal[2] ?? '', line: lineOf(start) }] : [];
  });
  return {
    path,
    text,
    lines: text.split('\n'),
    imports: [...statically, ...dynamically, ...shapes.typeImports],
    onlyExports: program.body.every(
      (node) =>
        node.type === 'ExportAllDeclaration' || (node.type === 'ExportNamedDeclaration' && node.source !== null),
    ),
    ...shapes,
  };
}

/** Turns an offset into a line number, counted from 1. */
function lineCounter(text: string): (offset: number) => number {
  const starts = [0, ...text.matchAll(/\n/g).map((match) => match.index + 1)];
  return (offset) => {
    let [low, high] = [0, starts.length];
    while (low + 1 < high) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}
