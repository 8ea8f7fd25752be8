/** `pnpm bench`: measures Volt beside its peers. The one way to measure; docs/benchmarks.md has what came out. */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { exitCode, toVoltError, VoltError } from '@volt/shared/errors';
import { DEFAULT_BINARY } from '../lab/index.ts';
import type { Bench, Report } from './bench.ts';
import { benches } from './benches.ts';
import { sampleInTurn } from './in-turn.ts';
import { machineClass } from './machine.ts';
import { renderResults } from './render.ts';
import { summarize, type Result } from './result.ts';

const RUNS_MAX = 1000;

const usage = `Usage: pnpm bench NAME [-o table|json] [--runs N]

${benches.map(({ name, summary }) => `  ${name}  ${summary}`).join('\n')}

  -o, --output WORD  json prints one object a measurement, a line each
      --runs N       how often each takes its turn, instead of what the bench says`;

async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parse(argv);
  const [name, ...others] = positionals;
  if (values.help || name === undefined) {
    console.log(usage);
    return 0;
  }
  if (others.length > 0) throw wrong(`One bench at a time: '${others.join(' ')}' is too much`);
  const bench = benches.find((one) => one.name === name);
  if (bench === undefined) throw new VoltError('NOT_FOUND', `There is no bench '${name}'`, { hint: 'pnpm bench' });
  if (!existsSync(DEFAULT_BINARY)) throw new VoltError('NOT_FOUND', 'Volt is not built', { hint: 'pnpm build' });
  const isJson = isJsonWanted(values.output);
  const results = await take(bench, runsOf(values.runs), console.error, (result) => {
    if (isJson) console.log(JSON.stringify(result));
  });
  if (!isJson) process.stdout.write(renderResults(results));
  return 0;
}

async function take(
  bench: Bench,
  runs: number | undefined,
  report: Report,
  onResult: (result: Result) => void,
): Promise<Result[]> {
  const machine = machineClass();
  const results: Result[] = [];
  report('Preparing');
  await using prepared = await bench.prepare(report);
  for (const measurement of prepared.measurements) {
    report(`Measuring: ${measurement.work}`);
    const series = await sampleInTurn(measurement.contenders, {
      warmUps: measurement.warmUps,
      runs: runs ?? measurement.runs,
    });
    const result = summarize(measurement, series, { bench: bench.name, machine });
    results.push(result);
    onResult(result);
  }
  return results;
}

function parse(argv: readonly string[]) {
  const options = {
    output: { type: 'string', short: 'o', default: 'table' },
    runs: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  } as const;
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (cause) {
    throw wrong(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function isJsonWanted(output: string): boolean {
  if (output === 'json') return true;
  if (output === 'table') return false;
  throw wrong(`Output is table or json, not '${output}'`);
}

function runsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const runs = Number(text);
  if (Number.isInteger(runs) && runs >= 1 && runs <= RUNS_MAX) return runs;
  throw wrong(`Runs are a whole number from 1 to ${RUNS_MAX}, not '${text}'`);
}

function wrong(message: string, cause?: unknown): VoltError {
  return new VoltError('USAGE', message, { hint: 'pnpm bench --help', cause });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (thrown) {
  const error = toVoltError(thrown);
  console.error(`bench: ${error.message}`);
  if (error.hint !== undefined) console.error(`hint: ${error.hint}`);
  if (error.code === 'GENERAL') console.error(error.cause);
  process.exitCode = exitCode(error.code);
}
