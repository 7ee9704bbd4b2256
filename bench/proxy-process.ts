// One process of the proxy benchmark; `bench/proxy.ts` starts it with a role and asks it for its processor time.
import { Agent, createServer, request } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from "node:net";
import { Greeting } from "../src/cluster/network/proxy/greeting.ts";
import { Route } from "../src/cluster/network/proxy/route.ts";
import { Sessions } from "../src/cluster/network/proxy/sessions.ts";
import { SystemClock } from "../src/time/system-clock.ts";

const [, , role = "", portText = "0", ...rest] = process.argv;
const target = Number(portText);

/** Answers with 100 bytes as cheaply as Node can, so that the proxy in front of it is what is measured. */
function backend(): Server {
  const answer = Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n${"x".repeat(100)}`,
  );
  return createTcpServer({ noDelay: true }, (socket) => {
    socket.on("data", () => socket.write(answer)).on("error", () => socket.destroy());
  });
}

function teal(): Server {
  const sessions = new Sessions(new SystemClock());
  const route = new Route("Service bench", sessions);
  route.swap([{ address: "127.0.0.1", port: target }]);
  return createTcpServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
    Greeting.welcome(sessions, route, socket),
  );
}

/** What one writes in ten minutes with Node's own HTTP client and server. */
function stockNode(): Server {
  const agent = new Agent({ keepAlive: true });
  return createServer((incoming, outgoing) => {
    const { method, url: path, headers } = incoming;
    const forwarded = request({ host: "127.0.0.1", port: target, method, path, headers, agent }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(forwarded);
  });
}

/** What a round of requests came to; the time that 99 % took no longer than, in milliseconds. */
interface Load {
  readonly answered: number;
  readonly p99: number;
}

const servers: Readonly<Record<string, () => Server>> = { backend, teal, "stock-node": stockNode };

/** Sends one request after the other on each of `connections` for `seconds`; answers how many were answered, and how slowly. */
function load(connections: number, seconds: number, kind: string): Promise<Load> {
  const isKept = kind !== "new";
  const close = isKept ? "" : "Connection: close\r\n";
  const sent = Buffer.from(
    kind === "post"
      ? "POST / HTTP/1.1\r\nHost: bench\r\nContent-Length: 2\r\n\r\nhi"
      : `GET / HTTP/1.1\r\nHost: bench\r\n${close}\r\n`,
  );
  const milliseconds: number[] = [];
  let open = 0;
  const { promise, resolve } = Promise.withResolvers<Load>();
  const end = performance.now() + seconds * 1000;
  const start = (): void => {
    open++;
    let received = "";
    let sentAt = performance.now();
    const socket = connect({ port: target, host: "127.0.0.1", noDelay: true });
    socket.write(sent);
    socket.on("data", (bytes) => {
      received += bytes.toString("latin1");
      if (!received.endsWith("x".repeat(100))) return;
      received = "";
      const now = performance.now();
      milliseconds.push(now - sentAt);
      sentAt = now;
      if (isKept && now < end) socket.write(sent);
      else socket.end();
    });
    socket.on("close", () => {
      if (performance.now() < end) start();
      if (--open > 0) return;
      const sorted = Float64Array.from(milliseconds).sort();
      resolve({ answered: sorted.length, p99: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN });
    });
  };
  for (let index = 0; index < connections; index++) start();
  return promise;
}

process.on("disconnect", () => process.exit());
const makeServer = servers[role];
if (makeServer === undefined) {
  const [connections = "", seconds = "", kind = ""] = rest;
  process.send?.(await load(Number(connections), Number(seconds), kind));
} else {
  const server = makeServer();
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
  });
  server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
}
