import { setMaxListeners } from "node:events";
import { Socket } from "node:net";
import type { buildConnector as connectors, Dispatcher, Pool as Pools } from "undici";
import type { Credentials } from "./credentials.ts";
import { throughSocks } from "./socks.ts";
import { buildConnector, newProxyAgent, Pool } from "./undici.ts";

/** How long an idle connection is kept; and after how long a silence the system probes whether the other side is there. */
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
  /** Not yet connections: undici would leave them to their time limit. */
  readonly #connecting = new Set<Socket>();
  #current: { readonly of: readonly unknown[]; readonly dispatcher: Dispatcher } | undefined;
  #closing = closing();

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Throws when certificate, key or authorities cannot be used together. */
  for(credentials: Credentials): Dispatcher {
    const of = [credentials.cert, credentials.key, credentials.ca];
    const present = this.#current;
    if (present?.of.every((part, at) => part === of[at])) return present.dispatcher;
    const dispatcher = this.#make(credentials);
    this.#open.add(dispatcher);
    this.#current = { of, dispatcher };
    if (present !== undefined) this.#retire(present.dispatcher);
    return dispatcher;
  }

  /** Breaks off everything. */
  close(): void {
    for (const dispatcher of this.#open) dispatcher.destroy().catch(() => {});
    for (const socket of this.#connecting) socket.destroy(new Error("the connection is needed no more"));
    this.#closing.abort();
    this.#closing = closing();
    this.#open.clear();
    this.#current = undefined;
  }

  // Requests that are under way, and watches, end on the connections that they have.
  #retire(dispatcher: Dispatcher): void {
    const forget = (): boolean => this.#open.delete(dispatcher);
    dispatcher.close().then(forget, forget);
  }

  #connector(options: connectors.BuildOptions): connectors.connector {
    const connect = buildConnector(options);
    return (to, callback) => {
      const socket: unknown = connect(to, callback);
      if (!(socket instanceof Socket)) return;
      this.#connecting.add(socket);
      const done = (): boolean => this.#connecting.delete(socket);
      socket.once("connect", () => "encrypted" in socket || done());
      socket.once("secureConnect", done).once("close", done);
    };
  }

  #socksConnector(proxy: URL, tls: connectors.BuildOptions): connectors.connector {
    const secure = buildConnector(tls);
    return (to, callback) => {
      const isSecure = to.protocol === "https:";
      const limits = { milliseconds: connectMilliseconds, signal: this.#closing.signal };
      throughSocks(proxy, to.hostname, Number(to.port || (isSecure ? 443 : 80)), limits).then(
        (socket) => {
          socket.setKeepAlive(true, keepAliveMilliseconds);
          if (isSecure) secure({ ...to, httpSocket: socket }, callback);
          else callback(null, socket);
        },
        (error: Error) => callback(error, null),
      );
    };
  }

  #make({ cert, key, ca }: Credentials): Dispatcher {
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
    if (proxy === undefined) return new Pool(origin, { ...common, connect: this.#connector(tls) });
    if (proxy.protocol === "socks5:")
      return new Pool(origin, { ...common, connect: this.#socksConnector(proxy, tls) });
    return newProxyAgent({
      ...common,
      ...proof(proxy),
      proxyTls: socket,
      uri: proxy.origin,
      requestTls: tls,
      factory: (to, options: Pools.Options) =>
        new Pool(to, { ...options, connect: failing(options.connect) }),
    });
  }
}

/**
 * Where making a connection fails because the proxy closes its own, undici's clients would try again without a pause and without
 * an end: they take that for a connection of theirs that was closed while it was idle.
 */
function failing(connect: Pools.Options["connect"]): connectors.connector {
  if (typeof connect !== "function") throw new Error("undici makes its tunnels in another way now");
  return (to, callback) =>
    connect(to, (...[error, socket]) => {
      if (error === null) callback(null, socket);
      else
        callback(Object.assign(new Error(error.message, { cause: error }), { code: codeFor(error) }), null);
    });
}

function codeFor(error: Error): unknown {
  const code = "code" in error ? error.code : undefined;
  return code === "UND_ERR_SOCKET" ? "ECONNRESET" : code;
}

function closing(): AbortController {
  const controller = new AbortController();
  // Every connection listens.
  setMaxListeners(0, controller.signal);
  return controller;
}

/** What a proxy's address says of who asks. */
function proof({ username, password }: URL): { readonly token?: string } {
  if (username === "") return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { token: `Basic ${Buffer.from(pair).toString("base64")}` };
}
