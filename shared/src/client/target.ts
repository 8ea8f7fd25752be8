/** Where a server of ours listens, and what it takes to be let in. Certificates are PEM texts. */
export type Target =
  | { readonly kind: 'socket'; readonly path: string }
  | {
      readonly kind: 'tls';
      readonly host: string;
      readonly port: number;
      /** The name its certificate is checked for, when that is not `host`. */
      readonly serverName?: string | undefined;
      readonly ca: string;
      readonly cert: string;
      readonly key: string;
    };

export const describeTarget = (target: Target): string =>
  target.kind === 'socket' ? target.path : `${target.host}:${target.port}`;
