import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { ManualClock } from "../../../time/manual-clock.ts";
import { RawClient } from "../raw-client.fixture.ts";
import { Greeting } from "./greeting.ts";
import { type EndpointAddress, Route } from "./route.ts";
import { Sessions } from "./sessions.ts";

/** The proxy of one port, with clients and pods on sockets of this process. Time stands still until `clock` is moved. */
export class ProxyFixture {
  readonly clock = new ManualClock();
  readonly sessions = new Sessions(this.clock);
  readonly route = new Route("Service default/web port 80", this.sessions);
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  #port = 0;

  /** Starts a pod that serves each connection with `serve`. It is not routed to yet. */
  async pod(serve: (socket: Socket) => void): Promise<EndpointAddress> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#keep(socket);
      serve(socket);
    });
    return { address: "127.0.0.1", port: await this.#listen(server) };
  }

  /** An address that refuses connections. */
  async refusing(): Promise<EndpointAddress> {
    const server = createServer();
    const port = await this.#listen(server);
    await new Promise((resolve) => server.close(resolve));
    return { address: "127.0.0.1", port };
  }

  /** A client that has connected to the proxy. */
  async client(): Promise<RawClient> {
    const socket = connect({ port: await this.listen(), host: "127.0.0.1", allowHalfOpen: true });
    this.#keep(socket);
    const client = new RawClient(socket);
    await once(socket, "connect");
    return client;
  }

  /** The port of 127.0.0.1 at which the proxy listens. */
  async listen(): Promise<number> {
    if (this.#port === 0) {
      const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
        Greeting.welcome(this.sessions, this.route, socket),
      );
      this.#port = await this.#listen(server);
    }
    return this.#port;
  }

  async end(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers) server.close();
    await this.sessions.stop(0);
  }

  async #listen(server: Server): Promise<number> {
    this.#servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket)).on("error", () => {});
  }
}
