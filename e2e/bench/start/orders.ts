/** What the bench asks of the meter on its node, a line of JSON each, and what it hears back. */

export interface Order {
  readonly act:
    | { readonly kind: 'command'; readonly argv: readonly string[] }
    | { readonly kind: 'call'; readonly method: string; readonly params: Readonly<Record<string, unknown>> };
  /** A server to be reached before the clock stops. */
  readonly server?: Server | undefined;
}

export interface Server {
  /** Left out, it is the first address in what the act answers. */
  readonly address?: string | undefined;
  readonly port: number;
}

export type Answer = { readonly ms: number } | { readonly error: string };
