/** What the bench asks of the meter on its node, a line of JSON each, and what it hears back. */

export interface Order {
  readonly act:
    | { readonly kind: 'command'; readonly argv: readonly string[] }
    /** Commands that all begin at once; done when the last has ended. */
    | { readonly kind: 'commands'; readonly argvs: readonly (readonly string[])[] }
    | { readonly kind: 'call'; readonly method: string; readonly params: Readonly<Record<string, unknown>> };
  /** The clock stops at its first byte instead of the end of the act. */
  readonly server?: Server | undefined;
}

export interface Server {
  readonly address: string;
  readonly port: number;
  /** When it is first asked: at once, or when the act says that it is done. */
  readonly asked: 'at once' | 'afterwards';
}

export type Answer = { readonly ms: number } | { readonly error: string };
