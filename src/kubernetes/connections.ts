import { type Dispatcher, Pool, ProxyAgent } from "undici";
import type { Credentials } from "./credentials.ts";

const keepAliveMilliseconds = 30_000;
/**
 * For sockets only: whoever waits for an answer has a deadline of its own, and leaves behind a connection that is never made.
 */
const connectMilliseconds = 30_000;

export interface ConnectionOptions {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly insecureSkipTlsVerify?: boolean | undefined;
  /** Name that the server's certificate is for, where it is not the host of the address. */
  readonly tlsServerName?: string | undefined;
  readonly proxy?: URL | undefined;
}

/** The connections to one server. They are kept for later requests, each only for those that prove the same. */
export class Connections {
  readonly #options: ConnectionOptions;
  readonly #open = new Set<Dispatcher>();
  #current: { readonly of: Credentials; readonly dispatcher: Dispatcher } | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Throws when certificate, key or authorities cannot be used together. */
  for({ cert, key, ca }: Credentials): Dispatcher {
    const present = this.#current;
    const isCurrent = present?.of.cert === cert && present?.of.key === key && present?.of.ca === ca;
    if (present !== undefined && isCurrent) return present.dispatcher;
    const dispatcher = this.#make({ ...(cert === undefined ? {} : { cert }), key, ca });
    this.#open.add(dispatcher);
    this.#current = { of: { cert, key, ca } as Credentials, dispatcher };
    // Requests that are under way, and watches, end on the connections that they have.
    if (present !== undefined)
      void present.dispatcher.close().then(() => this.#open.delete(present.dispatcher));
    return dispatcher;
  }

  /** Breaks off everything. */
  close(): void {
    for (const dispatcher of this.#open) void dispatcher.destroy();
    this.#open.clear();
    this.#current = undefined;
  }

  #make({ cert, key, ca }: { readonly [Part in keyof Credentials]: string | undefined }): Dispatcher {
    const { origin, proxy, insecureSkipTlsVerify, tlsServerName } = this.#options;
    const socket = { timeout: connectMilliseconds, keepAliveInitialDelay: keepAliveMilliseconds };
    const tls = {
      ...socket,
      rejectUnauthorized: insecureSkipTlsVerify !== true,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(tlsServerName === undefined ? {} : { servername: tlsServerName }),
    };
    // Time limits are the caller's, on its own clock.
    const common = { headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: keepAliveMilliseconds };
    return proxy === undefined
      ? new Pool(origin, { ...common, connect: tls })
      : new ProxyAgent({ ...common, uri: proxy.href, requestTls: tls, proxyTls: socket });
  }
}
