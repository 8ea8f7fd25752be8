/** A node that may have objects. The transport behind it is the caller's. */
export interface ObjectSource {
  readonly name: string;
  /** The answer of this peer to one request, as transfer.ts describes it. */
  fetch(digests: readonly string[], signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** One object from a place on, where the peer can: it may begin at an earlier place than it was asked to. */
  fetchRest?(digest: string, from: number, signal: AbortSignal): Promise<RestOfObject>;
}

export interface RestOfObject {
  readonly from: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}
