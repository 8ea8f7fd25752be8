/** PEM texts; `cert` is the whole chain. */
export interface TlsIdentity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface LiveTls {
  /** To be handed around whole: what is copied out of it stays as it was. */
  readonly tls: TlsIdentity;
  use(next: TlsIdentity): void;
}

/** What a program shows at doors, as of each moment that it is looked at: certificates are replaced while it runs. */
export function liveTls(first: TlsIdentity): LiveTls {
  let present = first;
  return {
    // Getters of the object itself, so that spreading it copies what holds at that moment.
    tls: {
      get ca() {
        return present.ca;
      },
      get cert() {
        return present.cert;
      },
      get key() {
        return present.key;
      },
    },
    use: (next) => {
      present = next;
    },
  };
}
