import { parseAllDocuments, type Document } from 'yaml';
import type { z } from 'zod';
import { VoltError } from '../errors/index.ts';
import { didYouMean } from '../lib/index.ts';
import type { WorkloadSpecInput } from '../model/index.ts';
import { rangeOfKey, rangeOfValue } from './locate.ts';
import { invalidFile, type Problem } from './problem.ts';
import { ManifestWorkload, toSpec } from './schema.ts';

/** More than any hand-written file, little enough to hold and to send. */
export const MANIFEST_BYTES_MAX = 1024 * 1024;

const keys = Object.keys(ManifestWorkload.shape);

/**
 * The workloads of a manifest: YAML or JSON, one or several documents, each a
 * workload or `workloads:` with a list of them.
 *
 * Throws INVALID_CONFIG that shows every problem with its line and column, so
 * that a caller acts on all of a file or on none of it.
 */
export function parseManifest(text: string, file: string): WorkloadSpecInput[] {
  if (Buffer.byteLength(text) > MANIFEST_BYTES_MAX) {
    throw new VoltError('INVALID_CONFIG', `${file}: larger than ${MANIFEST_BYTES_MAX / 1024} KiB`);
  }
  const documents = parseAllDocuments(text, { prettyErrors: false, uniqueKeys: true });
  if (!Array.isArray(documents)) throw nothingIn(file);

  const broken = documents.flatMap((document) => document.errors.map(syntaxProblem));
  if (broken.length > 0) throw invalidFile(file, text, broken);

  const problems: Problem[] = [];
  const workloads = new Map<string, WorkloadSpecInput>();
  for (const { document, path, value } of documents.flatMap((one) => workloadsOf(one, problems))) {
    const parsed = ManifestWorkload.safeParse(value);
    if (!parsed.success) {
      problems.push(...parsed.error.issues.flatMap((issue) => schemaProblems(document, path, issue)));
    } else if (workloads.has(parsed.data.name)) {
      const range = rangeOfValue(document, [...path, 'name']);
      problems.push({ message: `'${parsed.data.name}' is described twice`, range });
    } else {
      workloads.set(parsed.data.name, toSpec(parsed.data));
    }
  }
  if (problems.length > 0) throw invalidFile(file, text, problems);
  if (workloads.size === 0) throw nothingIn(file);
  return [...workloads.values()];
}

const nothingIn = (file: string) => new VoltError('INVALID_CONFIG', `${file}: no workload in it`);

interface Found {
  readonly document: Document;
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

function workloadsOf(document: Document, problems: Problem[]): Found[] {
  let value: unknown;
  try {
    value = document.toJS();
  } catch (thrown) {
    // Aliases without an anchor, or too many of them, show only here.
    problems.push({ message: (thrown as Error).message, range: rangeOfValue(document, []) });
    return [];
  }
  if (value === null || value === undefined) return [];
  if (typeof value !== 'object' || Array.isArray(value)) {
    problems.push({ message: 'A document must be keys and values, beginning with name:', range: start(document) });
    return [];
  }
  if (!('workloads' in value)) return [{ document, path: [], value }];

  for (const key of Object.keys(value).filter((name) => name !== 'workloads')) {
    problems.push({ message: `'${key}' cannot stand beside 'workloads'`, range: rangeOfKey(document, [], key) });
  }
  const list: unknown = value.workloads;
  if (Array.isArray(list)) return list.map((item, index) => ({ document, path: ['workloads', index], value: item }));
  problems.push({ message: "'workloads' must be a list", range: rangeOfValue(document, ['workloads']) });
  return [];
}

function start(document: Document): readonly [number, number] {
  const [from] = rangeOfValue(document, []);
  return [from, from];
}

function syntaxProblem({ message, pos }: { message: string; pos: [number, number] }): Problem {
  return { message: message.split('\n')[0]!, range: pos };
}

function schemaProblems(document: Document, base: Found['path'], issue: z.core.$ZodIssue): Problem[] {
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      message: `Unknown key '${key}'`,
      range: rangeOfKey(document, path, key),
      hint: didYouMean(key, keys) ?? `known keys: ${keys.join(', ')}`,
    }));
  }
  const name = issue.path.map(String).join('.');
  const range = rangeOfValue(document, path);
  if (issue.code === 'invalid_type' && range[0] === range[1] && issue.path.length === 1) {
    return [{ message: `'${name}' is missing`, range }];
  }
  const message = issue.message.replace(/^Invalid input: /, '');
  return [{ message: name === '' ? message : `'${name}': ${message}`, range }];
}
