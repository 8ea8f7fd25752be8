/** Progress for a person: each step says what it does while it does it, and how long it took. */
export class Steps {
  readonly #start = performance.now();
  readonly #isTerminal = process.stdout.isTTY === true;

  async run<T>(title: string, work: (report: (line: string) => void) => Promise<T>): Promise<T> {
    const began = performance.now();
    const show = (detail: string) => {
      if (this.#isTerminal)
        process.stdout.write(`\r\u001B[K  … ${fit(`${title}${detail === '' ? '' : `: ${detail}`}`)}`);
      else if (detail === '') process.stdout.write(`  … ${title}\n`);
    };
    show('');
    try {
      const result = await work(show);
      process.stdout.write(`${this.#clear()}  ✓ ${title} (${seconds(performance.now() - began)})\n`);
      return result;
    } catch (thrown) {
      process.stdout.write(`${this.#clear()}  ✗ ${title}\n`);
      throw thrown;
    }
  }

  total(): string {
    return seconds(performance.now() - this.#start);
  }

  #clear(): string {
    return this.#isTerminal ? '\r\u001B[K' : '';
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const fit = (text: string): string => text.slice(0, Math.max(20, (process.stdout.columns ?? 80) - 6));
