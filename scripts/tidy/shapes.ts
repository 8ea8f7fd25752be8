/** What the rules want to know of a syntax tree. */
import {
  Visitor,
  type ArrowFunctionExpression,
  type Expression,
  type Function as FunctionNode,
  type Program,
  type Span,
} from 'oxc-parser';

export interface Shapes {
  readonly functions: readonly FunctionShape[];
  readonly interfaces: readonly { readonly name: string; readonly line: number; readonly methods: number }[];
  /** Names given to functions, classes and types. */
  readonly names: readonly { readonly name: string; readonly line: number }[];
  /** `import('…')` in a type. */
  readonly typeImports: readonly { readonly specifier: string; readonly line: number }[];
  /** Places where the code waits, asks the time or rolls dice. */
  readonly impurities: readonly { readonly what: string; readonly line: number }[];
}

interface FunctionShape {
  readonly line: number;
  readonly lines: number;
  readonly parameters: number;
}

const IMPURE_CALLS = new Set(['Date.now', 'Math.random', 'performance.now', 'setTimeout', 'setInterval']);

export function collectShapes(program: Program, lineOf: (offset: number) => number): Shapes {
  const functions: FunctionShape[] = [];
  const interfaces: { name: string; line: number; methods: number }[] = [];
  const names: { name: string; line: number }[] = [];
  const typeImports: { specifier: string; line: number }[] = [];
  const impurities: { what: string; line: number }[] = [];

  const named = (id: ({ name: string } & Span) | null) => {
    if (id !== null) names.push({ name: id.name, line: lineOf(id.start) });
  };
  const impure = (what: string, node: Span) => impurities.push({ what, line: lineOf(node.start) });
  const shape = (node: FunctionNode | ArrowFunctionExpression) => {
    if (node.body === null) return;
    const line = lineOf(node.start);
    functions.push({ line, lines: lineOf(node.end) - line + 1, parameters: node.params.length });
    if (node.async) impure('async', node);
  };

  new Visitor({
    FunctionDeclaration(node) {
      shape(node);
      named(node.id);
    },
    FunctionExpression: shape,
    ArrowFunctionExpression: shape,
    ClassDeclaration: (node) => named(node.id),
    TSTypeAliasDeclaration: (node) => named(node.id),
    TSInterfaceDeclaration(node) {
      named(node.id);
      const methods = node.body.body.filter((member) => member.type === 'TSMethodSignature').length;
      interfaces.push({ name: node.id.name, line: lineOf(node.start), methods });
    },
    TSImportType(node) {
      typeImports.push({ specifier: node.source.value, line: lineOf(node.start) });
    },
    CallExpression(node) {
      const called = calledName(node.callee);
      if (IMPURE_CALLS.has(called)) impure(called, node);
    },
    NewExpression(node) {
      const isClock = node.callee.type === 'Identifier' && node.callee.name === 'Date' && node.arguments.length === 0;
      if (isClock) impure('new Date()', node);
    },
  }).visit(program);
  return { functions, interfaces, names, typeImports, impurities };
}

/** `setTimeout` or `Date.now`; empty for anything more involved. */
function calledName(callee: Expression): string {
  if (callee.type === 'Identifier') return callee.name;
  if (callee.type !== 'MemberExpression' || callee.computed) return '';
  if (callee.object.type !== 'Identifier' || callee.property.type !== 'Identifier') return '';
  return `${callee.object.name}.${callee.property.name}`;
}
