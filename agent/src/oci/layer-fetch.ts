/** The layers of one pull: several come at once, in their order, from the moment the first one is wanted. */
import { AssertionError } from 'node:assert/strict';
import type { Partials, Ask } from './partials.ts';
import type { Descriptor } from './schemas.ts';

const LAYERS_AT_ONCE = 3;
const PROGRESS_BYTES = 4 * 1024 * 1024;

export interface LayerFetchOptions {
  readonly partials: Partials;
  readonly askFor: (layer: Descriptor, signal: AbortSignal) => Ask;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

export class LayerFetch implements Disposable {
  readonly #options: LayerFetchOptions;
  readonly #stop = new AbortController();
  readonly #arrivals = new Map<string, PromiseWithResolvers<void>>();
  #layers: readonly Descriptor[] = [];
  #hasStarted = false;
  #isDone = false;
  #bytes = 0;
  #toldBytes = 0;

  constructor(options: LayerFetchOptions) {
    this.#options = options;
  }

  /** What will be wanted. Once. */
  expect(layers: readonly Descriptor[]): void {
    this.#layers = [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
    for (const layer of this.#layers) {
      this.#options.partials.take(layer);
      const arrival = Promise.withResolvers<void>();
      // Whoever opens the layer is told; a layer that nobody comes to is nobody's worry.
      arrival.promise.catch(() => {});
      this.#arrivals.set(layer.digest, arrival);
    }
  }

  async *open(layer: Descriptor): AsyncGenerator<Uint8Array> {
    this.#start();
    const arrival = this.#arrivals.get(layer.digest);
    if (arrival === undefined) throw new AssertionError({ message: 'A layer was opened that nobody expected' });
    await arrival.promise;
    yield* this.#options.partials.read(layer);
  }

  /** What has come is of no more use: it is read, or it is wrong. */
  forget(): void {
    this.#isDone = true;
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    for (const layer of this.#layers) this.#options.partials.release(layer, this.#isDone);
  }

  #start(): void {
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    const left = this.#layers.values();
    const lane = async (): Promise<void> => {
      for (const layer of left) {
        const arrival = this.#arrivals.get(layer.digest);
        await this.#fetch(layer).then(arrival?.resolve, (thrown: unknown) => {
          arrival?.reject(thrown);
          this.#stop.abort(thrown);
        });
      }
    };
    for (let lanes = 0; lanes < LAYERS_AT_ONCE; lanes++) void lane();
  }

  async #fetch(layer: Descriptor): Promise<void> {
    const { partials, askFor, signal } = this.#options;
    const either = AbortSignal.any([signal, this.#stop.signal]);
    either.throwIfAborted();
    await partials.fetch(layer, askFor(layer, either), (count) => this.#tell(count));
  }

  #tell(count: number): void {
    this.#bytes += count;
    if (this.#bytes - this.#toldBytes < PROGRESS_BYTES) return;
    this.#toldBytes = this.#bytes;
    const total = this.#layers.reduce((sum, { size }) => sum + size, 0);
    this.#options.onLine(`${megabytes(this.#bytes)} of ${megabytes(total)} MB`);
  }
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
