import { createServer, type Server, type Socket } from "node:net";
import { type Cancel, type Clock, later } from "../../../time/clock.ts";
import { type ListeningSockets, socketOf } from "../listening-sockets.ts";

/** `binding` not known yet · `bound` clients can connect · otherwise why not, in a word that a Service's status may carry. */
export type ListenerState = "binding" | "bound" | { readonly error: string };

const errorWords: Readonly<Record<string, string>> = {
  EACCES: "MissingPrivileges",
  EPERM: "MissingPrivileges",
  EADDRINUSE: "AddressInUse",
  EADDRNOTAVAIL: "AddressNotAvailable",
};

const firstRetrySeconds = 0.5;
const longestRetrySeconds = 30;
const connectionLimit = 8192;
// As many as may come while this process is started anew.
const backlog = 4096;

export interface ListenerOptions {
  readonly clock: Clock;
  readonly host: string;
  readonly port: number;
  readonly sockets: ListeningSockets;
  readonly accept: (socket: Socket) => void;
  /** Called with every new state. */
  readonly changed: (state: ListenerState, problem?: Error) => void;
}

/**
 * One address and port that clients connect to, with the socket of an earlier process where there is one. Where it cannot be
 * bound it tries again, ever more seldom.
 */
export class Listener {
  state: ListenerState = "binding";
  readonly #options: ListenerOptions;
  #server: Server | undefined;
  #cancelRetry: Cancel | undefined;
  #retrySeconds = firstRetrySeconds;
  #isStopped = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#bindWhenFree();
  }

  get #place(): string {
    return `${this.#options.host}:${this.#options.port}`;
  }

  #bindWhenFree(): void {
    this.#options.sockets.whenClosed(this.#place, () => {
      if (!this.#isStopped) this.#bind();
    });
  }

  #bind(): void {
    const { host, port, sockets, accept } = this.#options;
    const server = createServer({ allowHalfOpen: true, noDelay: true }, accept);
    server.maxConnections = connectionLimit;
    this.#server = server;
    server.on("error", (error) => {
      // While it listens, this is about one client that could not be accepted.
      if (!server.listening) this.#failed(error);
    });
    const earlier = sockets.take(this.#place);
    server.on("listening", () => {
      const socket = socketOf(server);
      if (earlier === undefined && socket !== undefined) sockets.hold(this.#place, socket);
      this.#retrySeconds = firstRetrySeconds;
      this.#enter("bound");
    });
    if (earlier === undefined) server.listen({ host, port, backlog });
    else server.listen(earlier, backlog);
  }

  #failed(error: Error): void {
    if (this.#isStopped) return;
    const { clock, sockets } = this.#options;
    // Of no use, if it was there, and in the way of a new one.
    sockets.close(this.#place);
    this.#cancelRetry = clock.at(later(clock.now(), this.#retrySeconds), () => this.#bindWhenFree());
    this.#retrySeconds = Math.min(longestRetrySeconds, this.#retrySeconds * 2);
    this.#enter({ error: wordFor(error) }, error);
  }

  #enter(state: ListenerState, problem?: Error): void {
    if (this.#isStopped) return;
    this.state = state;
    this.#options.changed(state, problem);
  }

  /** Accepts no more; connections that stand are not touched. Who connects waits for the next process, or is refused. */
  stop({ newClients }: { readonly newClients: "wait" | "refused" }): void {
    this.#isStopped = true;
    this.#cancelRetry?.();
    this.#server?.close();
    if (newClients === "refused") this.#options.sockets.close(this.#place);
  }
}

/** The word for it in a Service's status. */
export function wordFor(error: Error): string {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return errorWords[code] ?? "CannotListen";
}
