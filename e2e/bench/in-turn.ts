import type { Contender } from './bench.ts';
import type { Series } from './result.ts';

/**
 * Takes samples of all contenders in turn (A B A B …), so that whatever else
 * the machine does meets all of them alike. Warm-ups are turns that do not count.
 */
export async function sampleInTurn(
  contenders: readonly Contender[],
  { warmUps, runs }: { readonly warmUps: number; readonly runs: number },
): Promise<Series[]> {
  const series = contenders.map((contender) => ({ contender, samples: [] as number[] }));
  for (let turn = 0; turn < warmUps + runs; turn++) {
    for (const { contender, samples } of series) {
      const value = await contender.sample();
      if (turn >= warmUps) samples.push(value);
    }
  }
  return series;
}
