import { createServer, type Server, type Socket } from "node:net";
import { type Cancel, type Clock, later } from "../../../time/clock.ts";

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

export interface ListenerOptions {
  readonly clock: Clock;
  readonly host: string;
  readonly port: number;
  readonly accept: (socket: Socket) => void;
  /** Called with every new state. */
  readonly changed: (state: ListenerState, problem?: Error) => void;
}

/** One address and port that clients connect to. Where it cannot be bound it tries again, ever more seldom. */
export class Listener {
  state: ListenerState = "binding";
  readonly #options: ListenerOptions;
  #server: Server | undefined;
  #cancelRetry: Cancel | undefined;
  #retrySeconds = firstRetrySeconds;
  #isStopped = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#bind();
  }

  #bind(): void {
    const { host, port, accept } = this.#options;
    const server = createServer({ allowHalfOpen: true, noDelay: true }, accept);
    server.maxConnections = connectionLimit;
    this.#server = server;
    server.on("error", (error) => this.#failed(error));
    server.listen({ host, port, backlog: 1024 }, () => {
      this.#retrySeconds = firstRetrySeconds;
      this.#enter("bound");
    });
  }

  #failed(error: Error): void {
    if (this.#isStopped) return;
    const { clock } = this.#options;
    this.#cancelRetry = clock.at(later(clock.now(), this.#retrySeconds), () => this.#bind());
    this.#retrySeconds = Math.min(longestRetrySeconds, this.#retrySeconds * 2);
    this.#enter({ error: wordFor(error) }, error);
  }

  #enter(state: ListenerState, problem?: Error): void {
    if (this.#isStopped) return;
    this.state = state;
    this.#options.changed(state, problem);
  }

  /** Accepts no more; connections that stand are not touched. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelRetry?.();
    this.#server?.close();
  }
}

function wordFor(error: Error): string {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return errorWords[code] ?? "CannotListen";
}
