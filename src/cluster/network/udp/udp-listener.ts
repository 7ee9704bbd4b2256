import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { type Cancel, later } from "../../../time/clock.ts";
import { type ListenerState, wordFor } from "../proxy/listener.ts";
import type { Route } from "../proxy/route.ts";
import type { Sessions } from "../proxy/sessions.ts";
import { UdpFlow } from "./udp-flow.ts";

const retrySeconds = 5;
// Each has a socket of its own.
const mostFlows = 4096;

export interface UdpListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly sessions: Sessions;
  /** Where a client that is new, or whose pod is no longer listed, is led. */
  readonly route: () => Route;
  /** Called with every new state. */
  readonly changed: (state: ListenerState, problem?: Error) => void;
}

/**
 * One address and port to which clients send datagrams. A client stays with its pod as long as that is listed and one of the two
 * sends; after a switch its next datagram goes to the new side.
 */
export class UdpListener {
  state: ListenerState = "binding";
  readonly #options: UdpListenerOptions;
  readonly #flows = new Map<string, UdpFlow>();
  #socket: Socket | undefined;
  #cancelRetry: Cancel = () => {};
  readonly #cancelSweep: Cancel;
  #isStopped = false;

  constructor(options: UdpListenerOptions) {
    this.#options = options;
    this.#cancelSweep = options.sessions.onSweep((now) => {
      for (const [client, flow] of this.#flows) if (flow.isIdle(now)) this.#end(client, flow);
    });
    this.#bind();
  }

  #bind(): void {
    const { host, port, sessions } = this.#options;
    const socket = createSocket("udp4");
    this.#socket = socket;
    socket.on("message", (bytes: Buffer, from: RemoteInfo) => this.#received(bytes, from));
    socket.on("listening", () => this.#enter("bound"));
    socket.on("error", (error) => {
      // While it listens, this is about one datagram.
      if (this.state === "bound" || this.#isStopped) return;
      socket.close();
      this.#socket = undefined;
      this.#cancelRetry = sessions.clock.at(later(sessions.clock.now(), retrySeconds), () => this.#bind());
      this.#enter({ error: wordFor(error) }, error);
    });
    socket.bind({ address: host, port });
  }

  #enter(state: ListenerState, problem?: Error): void {
    if (this.#isStopped) return;
    this.state = state;
    this.#options.changed(state, problem);
  }

  #received(bytes: Buffer, { address, port }: RemoteInfo): void {
    const { sessions } = this.#options;
    const client = `${address}:${port}`;
    let flow = this.#flows.get(client);
    if (flow?.endpoint.isRetired === true) {
      this.#end(client, flow);
      flow = undefined;
    }
    flow ??= this.#begin(client, address, port);
    flow?.send(bytes, sessions.now);
  }

  #begin(client: string, address: string, port: number): UdpFlow | undefined {
    const endpoint = this.#options.route().nextEndpoint([], { address });
    if (endpoint === undefined) return undefined;
    const oldest = this.#flows.entries().next().value;
    if (this.#flows.size >= mostFlows && oldest !== undefined) this.#end(...oldest);
    const flow = new UdpFlow(
      endpoint,
      this.#options.sessions.now,
      (answer) => this.#socket?.send(answer, port, address, () => undefined),
      () => this.#end(client, flow),
    );
    this.#flows.set(client, flow);
    return flow;
  }

  #end(client: string, flow: UdpFlow): void {
    if (this.#flows.get(client) !== flow) return;
    this.#flows.delete(client);
    flow.end();
  }

  /** Takes no more datagrams: the machine tells who sends one that nobody is there. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#cancelRetry();
    this.#cancelSweep();
    for (const [client, flow] of this.#flows) this.#end(client, flow);
    this.#socket?.close();
    this.#socket = undefined;
  }
}
