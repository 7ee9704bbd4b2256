import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, createServer, type Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { generate } from "selfsigned";
import { ManualClock } from "../time/manual-clock.ts";
import type { HttpTransport } from "./http-transport.ts";
import { transportFor } from "./kubeconfig.ts";
import { proxyFromEnvironment } from "./proxy.ts";
import type { WatchEvent } from "./transport.ts";

describe("the proxy of the environment", () => {
  const proxied: readonly [server: string, env: Record<string, string>, proxy: string | undefined][] = [
    ["https://api.example:6443", {}, undefined],
    ["https://api.example:6443", { HTTPS_PROXY: "http://p:3128" }, "http://p:3128/"],
    [
      "https://api.example:6443",
      { https_proxy: "http://small:1", HTTPS_PROXY: "http://large:2" },
      "http://small:1/",
    ],
    ["https://api.example:6443", { https_proxy: "", HTTPS_PROXY: "http://large:2" }, undefined],
    ["https://api.example:6443", { HTTP_PROXY: "http://p:3128" }, undefined],
    ["http://api.example", { HTTP_PROXY: "http://p:3128" }, "http://p:3128/"],
    ["http://api.example", { http_proxy: "p:3128" }, "http://p:3128/"],
    ["https://api.example", { HTTPS_PROXY: "socks5://p:1080" }, "socks5://p:1080"],
    ["https://localhost:6443", { HTTPS_PROXY: "http://p" }, undefined],
    ["https://cluster.localhost:6443", { HTTPS_PROXY: "http://p" }, undefined],
    ["https://127.3.2.1:6443", { HTTPS_PROXY: "http://p" }, undefined],
    ["https://[::1]:6443", { HTTPS_PROXY: "http://p" }, undefined],
  ];
  for (const [server, env, proxy] of proxied) {
    test(`for ${server} is ${proxy ?? "none"} with ${JSON.stringify(env)}`, () => {
      assert.equal(proxyFromEnvironment(new URL(server), env)?.href, proxy);
    });
  }

  const exempt: readonly [host: string, list: string, isExempt: boolean][] = [
    ["api.example:6443", "*", true],
    ["api.example:6443", "other, api.example", true],
    ["api.example:6443", "other api.example", true],
    ["api.example:6443", "example", true],
    ["api.example:6443", ".example", true],
    ["api.example:6443", "*.example", true],
    ["api.example:6443", "API.EXAMPLE.", true],
    ["api.example:6443", "api.example:6443", true],
    ["api.example:6443", "api.example:443", false],
    ["api.example", "api.example:443", true],
    ["api.example:6443", ".api.example", false],
    ["api.example:6443", "pi.example", false],
    ["api.example:6443", "", false],
    ["10.96.0.1", "10.96.0.1", true],
    ["10.96.0.1", "10.0.0.0/8", true],
    ["10.96.0.1", "10.96.0.0/16,172.16.0.0/12", true],
    ["10.96.0.1", "10.97.0.0/16", false],
    ["10.96.0.1", "10.96.0.1/33", false],
    ["10.96.0.1", "10.96.0.1:443", true],
    ["10.96.0.1", "96.0.1", false],
    ["[fd00::1]:6443", "fd00::/8", true],
    ["[fd00::1]:6443", "fd00::1", true],
    ["[fd00::1]:6443", "[fd00::1]:6443", true],
    ["[fd00::1]:6443", "10.0.0.0/8", false],
  ];
  for (const [host, list, isExempt] of exempt) {
    test(`is ${isExempt ? "not " : ""}asked for ${host} with NO_PROXY=${list}`, () => {
      for (const name of ["NO_PROXY", "no_proxy"]) {
        const env = { HTTPS_PROXY: "http://p", [name]: list };
        assert.equal(proxyFromEnvironment(new URL(`https://${host}`), env) === undefined, isExempt);
      }
    });
  }

  test("has to be an address", () => {
    const server = new URL("https://api.example");
    for (const value of ["ftp://p", "http://", "http://:x"]) {
      assert.throws(
        () => proxyFromEnvironment(server, { HTTPS_PROXY: value }),
        /\$HTTPS_PROXY has to be the address of a proxy/,
      );
    }
  });
});

describe("a server behind a proxy", () => {
  let folder = "";
  let certificate = "";
  let api: Server;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "proxy-"));
    const { private: key, cert } = await generate([{ name: "commonName", value: "api.example" }], {
      extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: "api.example" }] }],
    });
    certificate = cert;
    api = await listening(createHttpsServer({ key, cert }, answer));
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await closed(api);
  });

  function answer(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" });
    if (request.url?.includes("watch=true") !== true) response.end(JSON.stringify({ url: request.url }));
    else response.write('{"type":"BOOKMARK","object":{"metadata":{"name":""}}}\n');
  }

  function transport(cluster: object, env: Record<string, string> = {}): HttpTransport {
    const kubeconfig = join(folder, "kubeconfig");
    const ca = Buffer.from(certificate).toString("base64");
    const content = {
      "current-context": "here",
      clusters: [
        {
          name: "far",
          cluster: { server: "https://api.example:6443", "certificate-authority-data": ca, ...cluster },
        },
      ],
      contexts: [{ name: "here", context: { cluster: "far" } }],
    };
    writeFileSync(kubeconfig, JSON.stringify(content));
    return transportFor({ kubeconfig, env, clock: new ManualClock() }).transport;
  }

  /** One request and one watch. */
  async function use(way: HttpTransport): Promise<void> {
    const { body } = await way.request({ method: "GET", path: "/api/v1/pods" });
    assert.deepEqual(body, { url: "/api/v1/pods" });
    const first = Promise.withResolvers<WatchEvent>();
    const cancel = way.watch(
      { method: "GET", path: "/api/v1/pods", query: { watch: "true" } },
      { event: first.resolve, ended: (error) => first.reject(error ?? new Error("the watch ended")) },
    );
    assert.equal((await first.promise).type, "BOOKMARK");
    cancel();
    way.close();
  }

  test("is reached through the kubeconfig's proxy-url, for requests and watches, with name and password", async () => {
    await using proxy = await connectProxy(api);
    await use(transport({ "proxy-url": proxy.address.replace("http://", "http://me:s%20cret@") }));
    assert.deepEqual(new Set(proxy.tunnels), new Set([`api.example:6443 Basic ${btoa("me:s cret")}`]));
  });

  test("is reached through HTTPS_PROXY, unless NO_PROXY names it", async () => {
    await using proxy = await connectProxy(api);
    await use(transport({}, { HTTPS_PROXY: proxy.address }));
    assert.ok(proxy.tunnels.length > 0);
    proxy.tunnels.length = 0;
    const direct = transport({}, { HTTPS_PROXY: proxy.address, NO_PROXY: "example" });
    await assert.rejects(direct.request({ method: "GET", path: "/" }), /the host name/);
    direct.close();
    assert.deepEqual(proxy.tunnels, []);
  });

  test("is reached through the kubeconfig's proxy rather than the environment's", async () => {
    await using proxy = await connectProxy(api);
    await use(transport({ "proxy-url": proxy.address }, { HTTPS_PROXY: "http://127.0.0.1:1" }));
  });

  test("is reached in the clear through a tunnel too", async () => {
    const plain = await listening(createHttpServer(answer));
    await using proxy = await connectProxy(plain);
    await use(transport({ server: "http://api.example:8080", "proxy-url": proxy.address }));
    assert.ok(proxy.tunnels.every((tunnel) => tunnel === "api.example:8080"));
    await closed(plain);
  });

  test("is reached through a SOCKS5 proxy, with and without TLS, name and password", async () => {
    await using proxy = await socksProxy(api);
    await use(transport({ "proxy-url": proxy.address }));
    assert.deepEqual(new Set(proxy.tunnels), new Set(["api.example:6443"]));
    const warned: Error[] = [];
    const warn = (warning: Error): number => warned.push(warning);
    process.on("warning", warn);
    const busy = transport({ "proxy-url": proxy.address });
    await Promise.all(Array.from({ length: 15 }, () => busy.request({ method: "GET", path: "/" })));
    busy.close();
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", warn);
    assert.deepEqual(warned, []);
    const plain = await listening(createHttpServer(answer));
    await using other = await socksProxy(plain, "me:secret");
    const proxyUrl = other.address.replace("//", "//me:secret@");
    await use(transport({ server: "http://10.1.2.3:8080", "proxy-url": proxyUrl }));
    await use(transport({ server: "http://[fd00::1:2]", "proxy-url": proxyUrl }));
    assert.deepEqual(new Set(other.tunnels), new Set(["10.1.2.3:8080", "fd00:0:0:0:0:0:1:2:80"]));
    await closed(plain);
  });

  test("is probed by the system while nothing comes, on every way", async (t) => {
    const plain = await listening(createHttpServer(answer));
    await using socks = await socksProxy(api);
    await using plainSocks = await socksProxy(plain);
    await using tunnel = await connectProxy(api);
    const { port } = plain.address() as AddressInfo;
    const ways: readonly Record<string, string>[] = [
      { server: `http://127.0.0.1:${port}` },
      { server: "http://10.1.2.3:8080", "proxy-url": plainSocks.address },
      { "proxy-url": socks.address },
      { "proxy-url": tunnel.address },
    ];
    const asked: string[] = [];
    for (const way of ways) {
      const probing = t.mock.method(Socket.prototype, "setKeepAlive");
      await use(transport(way));
      asked.push(...new Set(probing.mock.calls.map(({ arguments: [isOn, after] }) => `${isOn} ${after}`)));
      probing.mock.restore();
    }
    await closed(plain);
    assert.deepEqual(asked, ["true 30000", "true 30000", "true 30000", "true 30000"]);
  });

  const socksRefusals: readonly [what: string, answers: readonly (readonly number[])[], because: RegExp][] = [
    ["closes", [], /the proxy closed the connection/],
    ["closes within its greeting", [[5]], /the proxy closed the connection/],
    ["is none", [[72, 84, 84, 80]], /no SOCKS5 proxy/],
    ["wants a password", [[5, 2]], /wants a name and a password|refuses name/],
    ["wants another proof", [[5, 255]], /wants a name and a password, or another proof/],
    [
      "does not reach it",
      [
        [5, 0],
        [5, 4, 0, 1, 0, 0, 0, 0, 0, 0],
      ],
      /there is no way to the host/,
    ],
    [
      "is not allowed to",
      [
        [5, 0],
        [5, 2, 0, 1, 0, 0, 0, 0, 0, 0],
      ],
      /its rules do not allow this/,
    ],
    [
      "says something else",
      [
        [5, 0],
        [5, 99, 0, 1, 0, 0, 0, 0, 0, 0],
      ],
      /code 99/,
    ],
    [
      "breaks off",
      [
        [5, 0],
        [5, 0, 0],
      ],
      /the proxy closed the connection/,
    ],
  ];
  for (const [what, answers, because] of socksRefusals) {
    test(`has words for a SOCKS5 proxy that ${what}`, async () => {
      const server = await listening(
        createServer((socket) => {
          let sent = 0;
          socket.on("error", () => {});
          socket.on("data", () => {
            const answer = answers[sent];
            sent += 1;
            if (answer !== undefined) socket.write(Buffer.from(answer));
            if (sent >= answers.length) socket.end();
          });
        }),
      );
      await using proxy = proxyOf(server, "socks5", []);
      const way = transport({ "proxy-url": proxy.address });
      await assert.rejects(way.request({ method: "GET", path: "/" }), {
        kind: "unreachable",
        message: because,
      });
      way.close();
    });
  }

  test("is checked by its own name, not the proxy's", async () => {
    await using proxy = await connectProxy(api);
    const way = transport({ server: "https://another.example", "proxy-url": proxy.address });
    await assert.rejects(way.request({ method: "GET", path: "/" }), /certificate is for another host/);
    way.close();
  });

  const refusals: readonly [what: string, bytes: string, because: RegExp][] = [
    ["wants a password", "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n", /407/],
    ["does not reach it", "HTTP/1.1 502 Bad Gateway\r\n\r\n", /502/],
    ["closes", "", /connection was closed/],
    ["is none", "SSH-2.0-OpenSSH\r\n", /is not HTTP/],
  ];
  for (const [what, bytes, because] of refusals) {
    test(`has words for a proxy that ${what}, without the password`, async () => {
      await using proxy = await connectProxy(api, (socket) => socket.end(bytes));
      const way = transport({ "proxy-url": proxy.address.replace("//", "//me:secret@") });
      await assert.rejects(way.request({ method: "GET", path: "/" }), (error: Error) => {
        assert.match(error.message, because);
        assert.ok(
          error.message.includes(`api.example:6443 (through the proxy ${proxy.address})`),
          error.message,
        );
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
      way.close();
    });
  }

  test("is given up when the proxy is silent", async () => {
    const asked = Promise.withResolvers<void>();
    await using proxy = await connectProxy(api, () => asked.resolve());
    const clock = new ManualClock();
    const kubeconfig = join(folder, "kubeconfig");
    transport({ "proxy-url": proxy.address }).close();
    const way = transportFor({ kubeconfig, env: {}, clock }).transport;
    const refused = assert.rejects(way.request({ method: "GET", path: "/" }), /no answer within 30 s/);
    await asked.promise;
    await clock.advance(30);
    await refused;
    way.close();
  });
});

interface Proxy extends AsyncDisposable {
  readonly address: string;
  /** `host:port` of every tunnel, and what was shown to get it. */
  readonly tunnels: string[];
}

/** A proxy that makes tunnels, all of them to `target`; or that does what `refuse` does. */
async function connectProxy(target: Server, refuse?: (socket: Socket) => void): Promise<Proxy> {
  const tunnels: string[] = [];
  const server = createHttpServer();
  server.on("connect", ({ url, headers }: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on("error", () => {});
    if (refuse !== undefined) return refuse(socket);
    tunnels.push([url, headers["proxy-authorization"]].filter((part) => part !== undefined).join(" "));
    socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
    tunnel(socket, target, head);
  });
  return proxyOf(await listening(server), "http", tunnels);
}

/** A SOCKS5 proxy, all of whose connections lead to `target`; wants `user:password` when given. */
async function socksProxy(target: Server, credentials?: string): Promise<Proxy> {
  const tunnels: string[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    const connected = (request: Buffer): void => {
      tunnels.push(socksTarget(request));
      socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
      tunnel(socket, target, Buffer.alloc(0));
    };
    socket.once("data", () => {
      socket.write(Buffer.from([5, credentials === undefined ? 0 : 2]));
      if (credentials === undefined) return socket.once("data", connected);
      socket.once("data", (proof) => {
        const length = proof[1] ?? 0;
        const shown = `${proof.subarray(2, 2 + length).toString()}:${proof.subarray(3 + length).toString()}`;
        socket.write(Buffer.from([1, shown === credentials ? 0 : 1]));
        socket.once("data", connected);
      });
    });
  });
  return proxyOf(await listening(server), "socks5", tunnels);
}

function socksTarget(request: Buffer): string {
  const port = request.readUInt16BE(request.length - 2);
  const address = request.subarray(4, -2);
  if (request[3] === 1) return `${address.join(".")}:${port}`;
  if (request[3] === 3) return `${address.subarray(1).toString()}:${port}`;
  const groups = Array.from({ length: 8 }, (_, at) => address.readUInt16BE(at * 2).toString(16));
  return `${groups.join(":")}:${port}`;
}

function tunnel(socket: Socket, target: Server, head: Buffer): void {
  const onward = connect((target.address() as AddressInfo).port, "127.0.0.1");
  onward.on("error", () => socket.destroy());
  socket.on("close", () => onward.destroy());
  onward.write(head);
  onward.pipe(socket);
  socket.pipe(onward);
}

function proxyOf(server: Server, scheme: string, tunnels: string[]): Proxy {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  return {
    address: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tunnels,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await closed(server);
    },
  };
}

async function listening<T extends Server>(server: T): Promise<T> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function closed(server: Server): Promise<void> {
  server.close();
  if ("closeAllConnections" in server) (server as { closeAllConnections(): void }).closeAllConnections();
  await once(server, "close");
}
