import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import {
  Agent,
  createServer as createHttpServer,
  get,
  globalAgent,
  type IncomingMessage,
  type RequestListener,
  request,
} from "node:http";
import {
  connect as connectHttp2,
  createServer as createHttp2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
} from "node:http2";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, afterEach, before, describe, test } from "node:test";
import type { EndpointSlice, KubernetesObject, Service } from "../../src/api/core.ts";
import {
  embeddedEndpointSliceController,
  endpointSliceManagedByLabel,
  routedGenerationAnnotation,
  serviceNameLabel,
} from "../../src/api/names.ts";
import { RawClient } from "../../src/cluster/network/raw-client.fixture.ts";
import { startTraffic, type Traffic } from "../../src/cluster/network/traffic.ts";
import { KubernetesClient } from "../../src/kubernetes/client.ts";
import { ApiError } from "../../src/kubernetes/errors.ts";
import type { ApiRequest, ApiResponse, Transport, WatchSink } from "../../src/kubernetes/transport.ts";
import type { Clock } from "../../src/time/clock.ts";
import { ManualClock } from "../../src/time/manual-clock.ts";
import { SystemClock } from "../../src/time/system-clock.ts";
import { freeAddresses } from "./teal-process.ts";

// A block of its own, so that two runs at once do not meet.
const addresses = await freeAddresses();
const podPort = 5000;
const servicePort = 8080;
const clock = new SystemClock();

/** As much of an API server as the traffic process asks for: lists, watches and writes of three kinds. */
class FakeApi implements Transport {
  isDown = false;
  refusesPatches = false;
  /** A kind whose lists are refused. */
  refusesListsOf = "";
  readonly patches: ApiRequest[] = [];
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #watches = new Map<WatchSink, string>();
  #version = 1;

  async request(request: ApiRequest): Promise<ApiResponse> {
    if (this.isDown) throw new ApiError("unreachable", "the API server is away");
    if (request.method === "PATCH") return this.#patch(request);
    if (request.method === "POST") return this.#create(request);
    if (request.method === "DELETE") {
      this.delete(request.path);
      return { code: 200, body: {} };
    }
    if (request.path.endsWith(`/${this.refusesListsOf}`)) return { code: 500, body: "no" };
    const items = [...this.#objects].filter(([path]) => isIn(request.path, path)).map(([, object]) => object);
    return { code: 200, body: { metadata: { resourceVersion: String(this.#version) }, items } };
  }

  watch(request: ApiRequest, sink: WatchSink): () => void {
    if (this.isDown) {
      queueMicrotask(() => sink.ended(new ApiError("unreachable", "the API server is away")));
      return () => {};
    }
    this.#watches.set(sink, request.path);
    const since = Number(request.query?.["resourceVersion"] ?? 0);
    queueMicrotask(() => {
      sink.opened?.();
      for (const [path, object] of this.#objects)
        if (isIn(request.path, path) && Number(object.metadata.resourceVersion) > since)
          sink.event({ type: "ADDED", object });
    });
    return () => this.#watches.delete(sink);
  }

  put(path: string, object: KubernetesObject): void {
    const type = this.#objects.has(path) ? "MODIFIED" : "ADDED";
    const metadata = { uid: path, ...object.metadata, resourceVersion: String(++this.#version) };
    this.#objects.set(path, { ...object, metadata });
    this.#tell(path, type);
  }

  delete(path: string): void {
    const object = this.read(path);
    this.#objects.set(path, {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(++this.#version) },
    });
    this.#tell(path, "DELETED");
    this.#objects.delete(path);
  }

  read<T extends KubernetesObject>(path: string): T {
    return this.#objects.get(path) as T;
  }

  all<T extends KubernetesObject>(collection: string): readonly T[] {
    return [...this.#objects].flatMap(([path, object]) => (isIn(collection, path) ? [object as T] : []));
  }

  isWatched(plural: string): boolean {
    return [...this.#watches.values()].some((path) => path.endsWith(`/${plural}`));
  }

  crash(): void {
    this.isDown = true;
    for (const sink of this.#watches.keys()) sink.ended(new ApiError("unreachable", "gone"));
    this.#watches.clear();
  }

  #create({ path, body }: ApiRequest): ApiResponse {
    const object = body as KubernetesObject;
    this.put(`${path}/${object.metadata.name}`, object);
    return { code: 201, body };
  }

  #patch(request: ApiRequest): ApiResponse {
    if (this.refusesPatches) return { code: 500, body: "no" };
    this.patches.push(request);
    const path = request.path.replace(/\/status$/, "");
    const current = this.#objects.get(path);
    if (current === undefined) return { code: 404, body: "not found" };
    this.put(path, merge(current, request.body) as KubernetesObject);
    return { code: 200, body: this.#objects.get(path) };
  }

  #tell(path: string, type: "ADDED" | "MODIFIED" | "DELETED"): void {
    const object = this.#objects.get(path);
    if (object === undefined) return;
    for (const [sink, watched] of this.#watches) if (isIn(watched, path)) sink.event({ type, object });
  }
}

function isIn(collection: string, path: string): boolean {
  return path.split("/").at(-2) === collection.split("/").at(-1);
}

function merge(current: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null) return patch;
  const merged: Record<string, unknown> = { ...(current as Record<string, unknown> | undefined) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = Array.isArray(value) ? value : merge(merged[key], value);
  }
  return merged;
}

const servicePath = "/api/v1/namespaces/default/services/web";
const slicePath = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/web-1";

/** A cluster of one Service `web` whose pods are servers in this process. */
class Scene {
  readonly api = new FakeApi();
  readonly log: string[] = [];
  readonly #cleanUps: (() => unknown)[] = [];
  #generation = 0;
  dataFolder = "";
  clock: Clock = clock;
  traffic: Traffic | undefined;

  async start(spec: Partial<Service["spec"]> = {}): Promise<void> {
    this.dataFolder = await mkdtemp(join(tmpdir(), "teal-network-"));
    const ingress = [{ ip: addresses.loadBalancer(0), ipMode: "VIP" }];
    this.api.put(servicePath, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace: "default", name: "web" },
      spec: { type: "ClusterIP", clusterIP: addresses.clusterIp(0), ports: [{ port: servicePort }], ...spec },
      status: { loadBalancer: spec.type === "LoadBalancer" ? { ingress } : {} },
    } as Service);
    await this.startTraffic();
  }

  async startTraffic(): Promise<void> {
    this.traffic = startTraffic({
      client: new KubernetesClient(this.api),
      clock: this.clock,
      addresses,
      dataFolder: this.dataFolder,
      log: (line) => this.log.push(line),
    });
  }

  /** Points the Service at these pods and waits until the traffic process has confirmed it. */
  async route(...pods: readonly number[]): Promise<void> {
    const generation = this.send(...pods);
    await this.until(() => this.confirmed === generation);
  }

  /** Points the Service at these pods; answers the generation that says so. */
  send(...pods: readonly number[]): number {
    return this.#send(pods.map((pod) => ({ addresses: [addresses.pod(pod)], conditions: { ready: true } })));
  }

  /** As `route`, with one pod on its way out besides. */
  async routeWithTerminating(terminating: number, ...pods: readonly number[]): Promise<void> {
    const generation = this.#send([
      ...pods.map((pod) => ({ addresses: [addresses.pod(pod)], conditions: { ready: true } })),
      {
        addresses: [addresses.pod(terminating)],
        conditions: { ready: false, serving: true, terminating: true },
      },
    ]);
    await this.until(() => this.confirmed === generation);
  }

  #send(endpoints: EndpointSlice["endpoints"]): number {
    const generation = ++this.#generation;
    const annotations = this.slice?.metadata.annotations ?? {};
    this.api.put(slicePath, {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        namespace: "default",
        name: "web-1",
        generation,
        annotations,
        labels: {
          [serviceNameLabel]: "web",
          [endpointSliceManagedByLabel]: embeddedEndpointSliceController,
        },
      },
      addressType: "IPv4",
      ports: [{ name: "", port: podPort, protocol: "TCP" }],
      endpoints,
    } as EndpointSlice);
    return generation;
  }

  get slice(): EndpointSlice | undefined {
    return this.api.read<EndpointSlice>(slicePath);
  }

  get confirmed(): number {
    return Number(this.slice?.metadata.annotations?.[routedGenerationAnnotation] ?? 0);
  }

  async httpPod(pod: number, listener: RequestListener): Promise<void> {
    const server = createHttpServer(listener);
    server.listen(podPort, addresses.pod(pod));
    await once(server, "listening");
    this.#cleanUps.push(() => {
      server.closeAllConnections();
      server.close();
    });
  }

  /** A pod as a gRPC server is one: HTTP/2 in the clear, and trailers behind each answer. */
  async http2Pod(pod: number, name: string): Promise<void> {
    const server = createHttp2Server();
    const sessions = new Set<ServerHttp2Session>();
    server.on("session", (session) => {
      sessions.add(session);
      session.on("close", () => sessions.delete(session)).on("error", () => {});
    });
    server.on("stream", (stream) => {
      stream.on("error", () => {});
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.write(`${name}:`);
      stream.on("data", (bytes: Buffer) => stream.write(bytes));
      stream.on("end", () => stream.end("."));
    });
    server.listen(podPort, addresses.pod(pod));
    await once(server, "listening");
    this.#cleanUps.push(() => {
      for (const session of sessions) session.destroy();
      server.close();
    });
  }

  async tcpPod(pod: number, serve: (socket: Socket) => void, halfOpen = false): Promise<void> {
    const sockets = new Set<Socket>();
    const server = createServer({ allowHalfOpen: halfOpen }, (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket)).on("error", () => {});
      serve(socket);
    });
    server.listen(podPort, addresses.pod(pod));
    await once(server, "listening");
    this.#cleanUps.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
  }

  /** A raw client connection to the Service. */
  connect(port = servicePort, host = addresses.clusterIp(0)): RawClient {
    const client = new RawClient(connect({ port, host, allowHalfOpen: true }), clock);
    this.#cleanUps.push(() => client.socket.destroy());
    return client;
  }

  onEnd(cleanUp: () => unknown): void {
    this.#cleanUps.push(cleanUp);
  }

  async until(condition: () => boolean, seconds = 10): Promise<void> {
    const limit = performance.now() + seconds * 1000;
    while (!condition()) {
      if (performance.now() > limit)
        throw new Error(`not so within ${seconds} s; log: ${this.log.join(" | ")}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Waits until `amount` has not changed for a while. */
  async standstill(amount: () => number): Promise<void> {
    let last = -1;
    let since = 0;
    let looks = 0;
    await this.until(() => {
      looks++;
      if (amount() !== last || last === 0) {
        since = performance.now();
        looks = 0;
      }
      last = amount();
      // A busy event loop makes time pass without a look.
      return performance.now() - since > 300 && looks > 50;
    });
  }

  async end(): Promise<void> {
    for (const cleanUp of this.#cleanUps.reverse()) await cleanUp();
    await this.traffic?.stop();
    await rm(this.dataFolder, { recursive: true, force: true });
  }
}

const answerWith =
  (body: string): RequestListener =>
  (incoming, response) => {
    incoming.resume();
    response.end(body);
  };

function url(path = "/"): string {
  return `http://${addresses.clusterIp(0)}:${servicePort}${path}`;
}

async function fetchText(
  path = "/",
  options: Parameters<typeof request>[1] = {},
  body?: string,
): Promise<string> {
  const outgoing = request(url(path), options);
  outgoing.end(body);
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  return `${response.statusCode} ${await text(response)}`;
}

describe("the Service proxy", { timeout: 120_000 }, () => {
  let scene: Scene;

  before(() => {
    scene = new Scene();
  });
  afterEach(async () => {
    await scene.end();
    scene = new Scene();
  });
  after(() => scene.end());

  test("a kept connection is answered by the new version from the next request on", async () => {
    await scene.httpPod(1, answerWith("v1"));
    await scene.httpPod(2, answerWith("v2"));
    await scene.start();
    await scene.route(1);
    const client = scene.connect();
    await client.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n").sees(/v1$/);
    await scene.route(2);
    await client.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n").sees(/v2$/);
    assert.equal(client.received.match(/HTTP\/1.1 200/g)?.length, 2);
  });

  test("a slow answer in flight finishes on the pod that has the request", async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { promise: asked, resolve: wasAsked } = Promise.withResolvers<void>();
    const open = new Set<Socket>();
    await scene.httpPod(1, async ({ socket, url: path }, response) => {
      open.add(socket);
      socket.once("close", () => open.delete(socket));
      if (path === "/quick") {
        response.end("v1");
        return;
      }
      response.write("v1 begins, ");
      wasAsked();
      await released;
      response.end("v1 ends");
    });
    await scene.httpPod(2, answerWith("v2"));
    await scene.start();
    await scene.route(1);
    const slow = fetchText();
    await asked;
    assert.equal(await fetchText("/quick"), "200 v1");
    assert.equal(open.size, 2);
    await scene.route(2);
    assert.equal(await fetchText(), "200 v2");
    await scene.until(() => open.size === 1, 2);
    release();
    assert.equal(await slow, "200 v1 begins, v1 ends");
    await scene.until(() => open.size === 0, 2);
  });

  test("a pod that refuses connections is passed over, also for a POST", async () => {
    await scene.httpPod(2, answerWith("v2"));
    await scene.start();
    await scene.route(1, 2);
    for (let index = 0; index < 6; index++)
      assert.equal(await fetchText("/", { method: "POST" }, "body"), "200 v2");
  });

  test("a pod that does not listen yet is waited for, also by a POST", async () => {
    await scene.start();
    await scene.route(1);
    const answer = fetchText("/", { method: "POST" }, "body");
    // Long enough for the first attempt to have been refused: that one is over when a second client is answered.
    const early = scene.connect().send("GET / HTTP/1.1\r\nhost: web\r\n\r\n");
    await scene.httpPod(1, answerWith("v1"));
    assert.equal(await answer, "200 v1");
    await scene.until(() => early.received.startsWith("HTTP/1.1 200 "));
  });

  test("a request that was sent is sent again only when it is a safe one", async () => {
    const seen: string[] = [];
    const dropFirst: RequestListener = (incoming, response) => {
      seen.push(incoming.method ?? "");
      incoming.resume();
      if (incoming.url === "/drop") incoming.socket.destroy();
      else response.end("ok");
    };
    await scene.httpPod(1, dropFirst);
    await scene.httpPod(2, dropFirst);
    await scene.start();
    await scene.route(1, 2);
    assert.match(await fetchText("/drop", { method: "POST" }, "pay"), /^502 .*before it had answered/s);
    assert.deepEqual(seen, ["POST"]);
    assert.match(await fetchText("/drop"), /^502 /);
    assert.deepEqual(seen, ["POST", "GET", "GET"]);
    assert.match(await fetchText("/drop", { method: "DELETE" }), /^502 /);
    assert.deepEqual(seen, ["POST", "GET", "GET", "DELETE"]);
    await scene.route(1);
    assert.match(await fetchText("/drop"), /^502 /);
    assert.equal(seen.length, 5, "a pod that breaks on a request is not asked the same again");
  });

  test("a Service without ready pods refuses connections, and answers 503 on those that stand", async () => {
    await scene.httpPod(1, answerWith("v1"));
    await scene.start();
    await scene.route();
    await assert.rejects(fetchText(), { code: "ECONNREFUSED" });
    await scene.route(1);
    const client = scene.connect().send("GET / HTTP/1.1\r\nHost: w\r\n\r\n");
    await client.sees(/v1/);
    await scene.route();
    client.send("GET / HTTP/1.1\r\nHost: w\r\n\r\n");
    await client.sees(/ 503 [^]*Service default\/web port \d+ has no ready endpoint/);
    await assert.rejects(fetchText("/", { agent: false }), { code: "ECONNREFUSED" });
  });

  test("a WebSocket upgrade is piped both ways after the 101", async () => {
    await scene.tcpPod(1, (socket) => {
      let head = "";
      const onHead = (bytes: Buffer) => {
        head += bytes.toString("latin1");
        if (!head.includes("\r\n\r\n")) return;
        socket.off("data", onHead);
        socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello",
        );
        socket.on("data", (frame: Buffer) => socket.write(`<${frame.toString("latin1")}>`, "latin1"));
      };
      socket.on("data", onHead);
    });
    await scene.start();
    await scene.route(1);
    const client = scene
      .connect()
      .send("GET / HTTP/1.1\r\nHost: w\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    await client.sees(/101 Switching[\s\S]*hello$/);
    await client.send("\x81ping").sees(/<\x81ping>$/);
  });

  test("a raw protocol is piped byte by byte, half-close included", async () => {
    await scene.tcpPod(
      1,
      (socket) => socket.on("data", (bytes) => socket.write(bytes)).on("end", () => socket.end("bye")),
      true,
    );
    await scene.start();
    await scene.route(1);
    const client = scene.connect().send("\x00binary");
    await client.sees(/^.binary$/s);
    client.socket.end("last");
    await client.sees(/lastbye$/);
    await client.ends();
    const hasty = scene.connect();
    hasty.socket.end("\x00all at once");
    await hasty.sees(/all at oncebye$/);
  });

  test("a server that speaks first is heard by a silent client", async () => {
    await scene.tcpPod(1, (socket) => {
      socket.write("220 ready\r\n");
      socket.on("data", (bytes) => socket.write(`got ${bytes}`));
    });
    await scene.start();
    await scene.route(1);
    const client = scene.connect();
    await client.sees(/^220 ready\r\n$/);
    await client.send("EHLO me\r\n").sees(/got EHLO me\r\n$/);
  });

  test("a client that was silent at first is still served per request when it turns out to speak HTTP", async () => {
    await scene.httpPod(1, answerWith("v1"));
    await scene.httpPod(2, answerWith("v2"));
    let connections = 0;
    await scene.tcpPod(3, (socket) => {
      connections++;
      socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nv3"));
    });
    await scene.start();
    await scene.route(3);
    const client = scene.connect();
    await scene.until(() => connections === 1);
    await client.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n").sees(/v3$/);
    assert.equal(connections, 1, "the connection made in the silence carries the request");
    await scene.route(2);
    await client.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n").sees(/v2$/);
  });

  test("large bodies stream both ways and a slow reader holds the sender back", async () => {
    const size = 64 * 1024 * 1024;
    const pieceSize = 256 * 1024;
    const partSize = 5000;
    // No two pieces are alike, and none looks like itself shifted.
    const pieceAt = (offset: number) =>
      createHash("shake256", { outputLength: pieceSize }).update(`${offset}`).digest();
    const whole = createHash("sha256");
    for (let offset = 0; offset < size; offset += pieceSize) whole.update(pieceAt(offset));
    await scene.httpPod(1, async (incoming, response) => {
      if (incoming.method === "POST") {
        let length = 0;
        for await (const chunk of incoming) length += (chunk as Buffer).length;
        response.end(String(length));
        return;
      }
      response.writeHead(200, { "Content-Length": size });
      for (let sent = 0; sent < size; sent += pieceSize) {
        written = sent;
        const piece = pieceAt(sent);
        // In small parts, each of which the proxy reads for itself.
        for (let from = 0; from < pieceSize; from += partSize) {
          if (!response.write(piece.subarray(from, from + partSize))) await once(response, "drain");
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      response.end();
    });
    let written = 0;
    await scene.start();
    await scene.route(1);

    const upload = request(url(), { method: "POST", headers: { "Transfer-Encoding": "chunked" } });
    const answered = once(upload, "response") as Promise<[IncomingMessage]>;
    const piece = Buffer.alloc(256 * 1024, "y");
    for (let sent = 0; sent < size; sent += piece.length)
      if (!upload.write(piece)) await once(upload, "drain");
    upload.end();
    assert.equal(await text((await answered)[0]), String(size));

    const [download] = (await once(get(url()), "response")) as [IncomingMessage];
    await scene.standstill(() => written);
    assert.ok(written < size / 2, `${written} bytes were taken from the pod for a client that does not read`);
    const received = createHash("sha256");
    for await (const chunk of download) {
      received.update(chunk as Buffer);
      // A reader that is slower than the pod, so that the proxy has to wait with part of a buffer written.
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(received.digest("hex"), whole.digest("hex"));
  });

  test("chunked bodies with trailers and pipelined requests arrive as they were sent, in order", async () => {
    await scene.httpPod(1, async (incoming, response) => {
      const body = await text(incoming);
      response.writeHead(200, { Trailer: "X-Sum" });
      response.write(`${incoming.url}=`);
      response.write(body);
      response.addTrailers({ "X-Sum": "7" });
      response.end();
    });
    await scene.start();
    await scene.route(1);
    const chunked =
      "POST /a HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n";
    const client = scene
      .connect()
      .send(`${chunked}GET /b HTTP/1.1\r\nHost: w\r\n\r\nGET /c HTTP/1.1\r\nHost: w\r\n\r\n`);
    await client.sees(/\/a=[\s\S]*abcde[\s\S]*X-Sum: 7[\s\S]*\/b=[\s\S]*\/c=[\s\S]*0\r\nX-Sum: 7\r\n\r\n$/);
  });

  test("a client that waits for 100 Continue gets the pod's", async () => {
    await scene.httpPod(1, async (incoming, response) => {
      response.end(await text(incoming));
    });
    await scene.start();
    await scene.route(1);
    const client = scene
      .connect()
      .send("POST / HTTP/1.1\r\nHost: w\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    await client.sees(/^HTTP\/1.1 100 Continue\r\n\r\n$/);
    await client.send("body").sees(/body$/);
  });

  test("ambiguous and oversized requests are refused, and nothing of them reaches a pod", async () => {
    let requests = 0;
    await scene.httpPod(1, (_incoming, response) => {
      requests++;
      response.end();
    });
    await scene.start({ ports: [{ port: servicePort, appProtocol: "http" }] });
    await scene.route(1);
    const cases: Record<string, string> = {
      "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": "400",
      "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd": "400",
      "Transfer-Encoding: chunked\r\n\r\nzz\r\n": "400",
      "X: a\r\n folded\r\n\r\n": "400",
      "X: a\n\r\n\r\n": "400",
      "X: a\0b\r\n\r\n": "400",
      "X : a\r\n\r\n": "400",
      "Transfer-Encoding: gzip, chunked\r\n\r\n": "501",
    };
    cases[`X: ${"a".repeat(70_000)}\r\n\r\n`] = "431";
    for (const [rest, status] of Object.entries(cases)) {
      const client = scene
        .connect()
        .send(`POST / HTTP/1.1\r\nHost: w\r\n${rest}GET / HTTP/1.1\r\nHost: w\r\n\r\n`);
      await client.ends();
      assert.match(
        client.received,
        new RegExp(`^HTTP/1.1 ${status} [\\s\\S]*Connection: close`),
        rest.slice(0, 60),
      );
      assert.equal(client.received.match(/HTTP\/1.1/g)?.length, 1);
    }
    const tunnel = scene.connect().send("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
    await tunnel.ends();
    assert.match(tunnel.received, /^HTTP\/1.1 405 /);
    assert.equal(requests, 0);
  });

  test("a client that wants its connection closed gets that, and the one to the pod is kept", async () => {
    const sockets = new Set<Socket>();
    await scene.httpPod(1, (incoming, response) => {
      sockets.add(incoming.socket);
      response.end("v1");
    });
    await scene.start();
    await scene.route(1);
    for (let index = 0; index < 3; index++) {
      const client = scene.connect().send("GET / HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n");
      await client.ends();
      assert.match(client.received, /Connection: close\r\n\r\nv1$/);
      client.socket.destroy();
    }
    assert.equal(sockets.size, 1);
  });

  test("a pod killed in the middle of an answer shows as a failure, not as a hang or a whole answer", async () => {
    const pod = spawn(process.execPath, [
      "-e",
      `require("http").createServer((q, s) => { s.writeHead(200, { "Content-Length": 100 }); s.write("half"); })
        .listen(${podPort}, "${addresses.pod(1)}", () => console.log("up"))`,
    ]);
    scene.onEnd(() => pod.kill("SIGKILL"));
    await once(pod.stdout, "data");
    await scene.start();
    await scene.route(1);
    const client = scene.connect().send("GET / HTTP/1.1\r\nHost: w\r\n\r\n");
    await client.sees(/half$/);
    const exited = once(pod, "exit");
    pod.kill("SIGKILL");
    await client.ends();
    await exited;
    assert.match(client.received, /Content-Length: 100[\s\S]*half$/);
    assert.match(
      await fetchText(),
      /^502 Service default\/web port 8080 has no endpoint that answers \(.*ECONNREFUSED\)/,
    );
  });

  test("100 switches under load lose no request, and none is answered by the old version after the confirmation", async () => {
    await scene.httpPod(1, answerWith("1"));
    await scene.httpPod(2, answerWith("2"));
    await scene.start();
    await scene.route(1);
    let confirmed = "1";
    let switches = 0;
    let isRunning = true;
    const failures: string[] = [];
    let answers = 0;
    let stale = 0;
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const load = async (options: Parameters<typeof request>[1]) => {
      while (isRunning) {
        const mustBe = confirmed;
        const switchesBefore = switches;
        const answer = await fetchText("/", options).catch((error: Error) => error.message);
        answers++;
        if (answer !== "200 1" && answer !== "200 2") failures.push(answer);
        // Odd: a switch is under way, and either version may answer.
        else if (switchesBefore % 2 === 0 && switches === switchesBefore && answer !== `200 ${mustBe}`)
          stale++;
      }
    };
    const workers = [
      load({ agent }),
      load({ agent }),
      load({ agent }),
      load({ agent: false }),
      load({ agent: false }),
    ];
    for (let round = 0; round < 100; round++) {
      const target = round % 2 === 0 ? 2 : 1;
      switches++;
      await scene.route(target);
      confirmed = String(target);
      switches++;
      const seen = answers;
      await scene.until(() => answers > seen + 10);
    }
    isRunning = false;
    await Promise.all(workers);
    agent.destroy();
    assert.deepEqual(failures, []);
    assert.equal(stale, 0);
    assert.ok(answers > 1000, `${answers} answers`);
  });

  test("switches under load of HTTP/2 lose no stream, and no new one goes to the old version after the confirmation", async () => {
    await scene.http2Pod(1, "1");
    await scene.http2Pod(2, "2");
    await scene.start({ ports: [{ port: servicePort, appProtocol: "kubernetes.io/h2c" }] });
    await scene.route(1);
    const session = connectHttp2(url());
    scene.onEnd(() => session.destroy());
    session.setMaxListeners(0);
    let confirmed = "1";
    let switches = 0;
    let isRunning = true;
    const failures: string[] = [];
    let answers = 0;
    let stale = 0;
    const load = async (isStreaming: boolean): Promise<void> => {
      while (isRunning) {
        const mustBe = confirmed;
        const before = switches;
        const stream = session.request({ ":path": "/", ":method": "POST" });
        let body = "";
        let status: unknown;
        let firstSeenAt = -1;
        stream.on("data", (bytes: Buffer) => {
          if (firstSeenAt === -1) firstSeenAt = switches;
          body += bytes.toString();
        });
        stream.on("trailers", (trailers: IncomingHttpHeaders) => {
          status = trailers["grpc-status"];
        });
        const closed = once(stream, "close").catch((error: Error) => failures.push(error.message));
        stream.write("a");
        if (isStreaming) {
          // Open over at least one whole switch.
          await scene.until(() => switches >= before + 3 || !isRunning);
          stream.write("b");
        }
        stream.end();
        await closed;
        answers++;
        if (status !== "0" || body.slice(1) !== (isStreaming ? ":ab." : ":a.")) failures.push(body);
        else if (before % 2 === 0 && firstSeenAt === before && !body.startsWith(mustBe)) stale++;
      }
    };
    const workers = [load(false), load(false), load(false), load(true), load(true)];
    for (let round = 0; round < 40; round++) {
      const target = round % 2 === 0 ? 2 : 1;
      switches++;
      await scene.route(target);
      confirmed = String(target);
      switches++;
      const seen = answers;
      await scene.until(() => answers > seen + 10);
    }
    isRunning = false;
    await Promise.all(workers);
    assert.deepEqual(failures, []);
    assert.equal(stale, 0);
    assert.ok(answers > 400, `${answers} answers`);
    assert.equal(session.closed, false);
  });

  test("routes outlive the API server, and a restart of the traffic process while it is away", async () => {
    await scene.httpPod(1, answerWith("v1"));
    await scene.start();
    await scene.route(1);
    scene.api.crash();
    assert.equal(await fetchText(), "200 v1");
    await scene.traffic?.stop();
    // The client has heard that its connection is over.
    await scene.until(() => Object.keys(globalAgent.freeSockets).length === 0);
    await scene.startTraffic();
    assert.equal(await fetchText(), "200 v1");
  });

  test("saved routes stay in force until Services and slices have both been read", async () => {
    await scene.httpPod(1, answerWith("v1"));
    await scene.start();
    await scene.route(1);
    await scene.traffic?.stop();
    scene.api.refusesListsOf = "endpointslices";
    await scene.startTraffic();
    await scene.until(() => scene.api.isWatched("services"));
    const service = scene.api.read<Service>(servicePath);
    scene.api.put(servicePath, { ...service, metadata: { ...service.metadata, labels: { touched: "yes" } } });
    assert.equal(await fetchText(), "200 v1");
    scene.api.refusesListsOf = "";
    await scene.route();
    assert.match(await fetchText(), /^503 /);
  });

  test("a LoadBalancer gets an address of its own, kept over a restart, and its node port on 127.0.0.1", async () => {
    await scene.httpPod(1, answerWith("v1"));
    const nodePort = 30_000 + (process.pid % 2000);
    await scene.start({ type: "LoadBalancer", ports: [{ port: servicePort, nodePort }] });
    await scene.route(1);
    const ingress = () => scene.api.read<Service>(servicePath).status?.loadBalancer?.ingress;
    await scene.until(() => ingress()?.[0]?.ports !== undefined);
    assert.deepEqual(ingress(), [
      { ip: addresses.loadBalancer(0), ipMode: "VIP", ports: [{ port: servicePort, protocol: "TCP" }] },
    ]);
    for (const client of [
      scene.connect(servicePort, addresses.loadBalancer(0)),
      scene.connect(nodePort, "127.0.0.1"),
    ]) {
      await client.send("GET / HTTP/1.1\r\nHost: w\r\n\r\n").sees(/v1$/);
    }
    const saved = await readFile(join(scene.dataFolder, "traffic", "routes.json"), "utf8");
    assert.match(saved, new RegExp(`"loadBalancerIp":"${addresses.loadBalancer(0)}"`));
  });

  test("a port that is taken is named in the status, in an Event and once in the log; the others are served", async () => {
    const taken = createServer().listen(servicePort, addresses.loadBalancer(0));
    await once(taken, "listening");
    scene.onEnd(() => taken.close());
    await scene.httpPod(1, answerWith("v1"));
    await scene.start({ type: "LoadBalancer", selector: { app: "web" } });
    await scene.route(1);
    const ingress = () => scene.api.read<Service>(servicePath).status?.loadBalancer?.ingress?.[0];
    const events = () => scene.api.all<KubernetesObject & { message: string }>("/events");
    await scene.until(() => ingress()?.ports?.[0]?.error === "AddressInUse" && events().length > 0);
    assert.deepEqual(
      events().map(({ message }) => message),
      [
        `cannot listen on ${addresses.loadBalancer(0)}:${servicePort}: another program uses it; ` +
          "give the Service another port, or a node port that is free",
      ],
    );
    assert.equal(await fetchText(), "200 v1");
    assert.equal(scene.log.filter((line) => line.includes("EADDRINUSE")).length, 1);
    taken.close();
    await scene.until(() => ingress()?.ports?.[0]?.error === undefined && events().length === 0);
    assert.ok(scene.log.some((line) => line.includes("can be reached now")));
  });

  test("a deleted Service is no longer served, and its address is free again", async () => {
    await scene.httpPod(1, answerWith("v1"));
    await scene.start();
    await scene.route(1);
    const idle = scene.connect();
    await idle.send("GET / HTTP/1.1\r\nHost: w\r\n\r\n").sees(/v1$/);
    scene.api.delete(servicePath);
    await idle.ends();
    await assert.rejects(fetchText(), /ECONNREFUSED/);
  });

  test("a pod's wish to close its connection is not the client's business; an answer that only the end ends is passed on", async () => {
    let connections = 0;
    await scene.tcpPod(1, (socket) => {
      connections++;
      socket.on("data", (bytes) => {
        if (bytes.includes("/endless")) socket.end("HTTP/1.0 200 OK\r\n\r\nall until the end");
        else socket.end("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nv1");
      });
    });
    await scene.start();
    await scene.route(1);
    const client = scene.connect();
    await client.send("GET / HTTP/1.1\r\nHost: w\r\n\r\n").sees(/200 OK\r\nContent-Length: 2\r\n\r\nv1$/);
    await client
      .send("HEAD / HTTP/1.1\r\nHost: w\r\n\r\n")
      .sees(/v1HTTP\/1.1 200 OK\r\nContent-Length: 2\r\n\r\n/);
    assert.equal(connections, 2);
    await client.send("GET /endless HTTP/1.1\r\nHost: w\r\n\r\n").sees(/all until the end$/);
    await client.ends();
  });

  test("a kept connection that the pod has closed costs no request", async () => {
    await scene.tcpPod(1, (socket) => {
      let requests = 0;
      socket.on("data", () => {
        // The second request on a connection meets a pod that has just given it up.
        if (++requests === 2) socket.destroy();
        else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nv1");
      });
    });
    await scene.start();
    await scene.route(1);
    // Several at once leave several connections behind, and every one of them is dead when it is used again.
    await Promise.all([fetchText(), fetchText(), fetchText()]);
    for (let index = 0; index < 5; index++) assert.equal(await fetchText(), "200 v1");
  });

  test("pods take turns, also after one of them has served alone", async () => {
    await scene.httpPod(1, answerWith("1"));
    await scene.httpPod(2, answerWith("2"));
    await scene.start();
    await scene.route(1);
    for (let index = 0; index < 5; index++) await fetchText();
    await scene.route(1, 2);
    const answers: string[] = [];
    for (let index = 0; index < 6; index++) answers.push(await fetchText());
    assert.equal(answers.filter((answer) => answer === "200 1").length, 3);
  });

  test("what a client sends while it waits for an answer is left with it", async () => {
    await scene.httpPod(1, () => {});
    await scene.start();
    await scene.route(1);
    const client = scene.connect().send("GET / HTTP/1.1\r\nHost: w\r\n\r\n");
    const pieces = 512;
    let taken = 0;
    const sendNext = (): void => {
      client.socket.write(Buffer.alloc(64 * 1024, "x"), () => {
        if (++taken < pieces) sendNext();
      });
    };
    sendNext();
    await scene.standstill(() => taken);
    assert.ok(taken < pieces, "the proxy took everything in");
  });

  test("an answer that breaks the rules becomes a 502 that names the pod", async () => {
    await scene.tcpPod(1, (socket) => {
      socket.on("data", () =>
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
      );
    });
    await scene.start();
    await scene.route(1);
    assert.match(
      await fetchText(),
      /^502 Endpoint 127\.\S+:5000 of Service default\/web port 8080 sent an invalid answer/,
    );
  });

  test("an early answer reaches a client that is still sending", async () => {
    await scene.tcpPod(1, (socket) => {
      socket
        .once("data", () => socket.write("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"))
        .resume();
    });
    await scene.start();
    await scene.route(1);
    const client = scene.connect().send("POST / HTTP/1.1\r\nHost: w\r\nContent-Length: 10\r\n\r\n12345");
    await client.sees(/^HTTP\/1.1 413 [\s\S]*big$/);
    await client.send("67890GET / HTTP/1.1\r\nHost: w\r\n\r\n").sees(/big$/);
  });

  test("a client that goes away ends its request at the pod", async () => {
    const { promise: aborted, resolve: wasAborted } = Promise.withResolvers<void>();
    await scene.httpPod(1, (_incoming, response) => {
      response.write("begins");
      response.on("close", wasAborted);
    });
    await scene.start();
    await scene.route(1);
    const client = scene.connect().send("GET / HTTP/1.1\r\nHost: w\r\n\r\n");
    await client.sees(/begins/);
    client.socket.resetAndDestroy();
    await aborted;
  });

  test("thousands of requests sent at once are all answered, in order", async () => {
    await scene.httpPod(1, answerWith("v1"));
    await scene.start({ ports: [{ port: servicePort, appProtocol: "http" }] });
    await scene.route(1);
    const client = scene.connect().send("GET / HTTP/1.1\r\nHost: w\r\n\r\n");
    await client.sees(/v1/);
    await scene.route();
    client.send("GET / HTTP/1.1\r\nHost: w\r\n\r\n".repeat(5000));
    await scene.until(() => client.received.match(/ 503 /g)?.length === 5000);
  });

  test("what is in flight with a terminating pod survives every switch, until the pod itself ends it", async () => {
    let endOfPod: () => void = () => {};
    await scene.tcpPod(1, (socket) => {
      endOfPod = () => socket.destroy();
      socket.on("data", (bytes) => socket.write(`1:${bytes}`));
    });
    await scene.tcpPod(2, (socket) => socket.on("data", (bytes) => socket.write(`2:${bytes}`)));
    await scene.start({ ports: [{ port: servicePort, appProtocol: "tcp" }] });
    await scene.route(1);
    const client = scene.connect();
    await client.send("a").sees(/1:a$/);
    await scene.route(2);
    await client.send("b").sees(/1:b$/);
    await scene.routeWithTerminating(1, 2);
    await client.send("c").sees(/1:c$/);
    // A selector that has moved on lists the old pods no more, while they still have their grace period.
    await scene.route(2);
    await client.send("d").sees(/1:d$/);
    await scene.connect().send("e").sees(/2:e$/);
    endOfPod();
    await client.ends();
  });

  test("uploads, downloads and half-closed connections stay with a terminating pod after the switch", async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    let asked = 0;
    await scene.httpPod(1, async (incoming, response) => {
      asked++;
      if (incoming.method === "GET") response.write("v1 begins,");
      await released;
      const body = await text(incoming);
      response.end(`${body} v1 ends`);
    });
    await scene.httpPod(2, answerWith("v2"));
    await scene.start();
    await scene.route(1);
    const upload = scene.connect().send("POST / HTTP/1.1\r\nHost: w\r\nContent-Length: 10\r\n\r\n12345");
    const whole = scene.connect().send("POST / HTTP/1.1\r\nHost: w\r\nContent-Length: 4\r\n\r\nbody");
    const download = fetchText();
    const halfClosed = scene.connect();
    halfClosed.socket.end("GET / HTTP/1.1\r\nHost: w\r\n\r\n");
    await scene.until(() => asked === 4);
    await scene.routeWithTerminating(1, 2);
    await scene.route(2);
    assert.equal(await fetchText(), "200 v2");
    release();
    upload.send("67890");
    await upload.sees(/ 200 [^]*1234567890 v1 ends$/);
    await whole.sees(/ 200 [^]*body v1 ends$/);
    await halfClosed.sees(/ 200 [^]*v1 begins,[^]* v1 ends/);
    assert.equal(await download, "200 v1 begins, v1 ends");
  });

  test("a Service of which all pods are terminating is served by those that still serve", async () => {
    await scene.httpPod(1, answerWith("v1"));
    await scene.start();
    await scene.route(1);
    await scene.routeWithTerminating(1);
    assert.equal(await fetchText(), "200 v1");
  });

  test("a request head that never ends, and a connection that asks nothing, are given up in time", async () => {
    const manual = new ManualClock();
    scene.clock = manual;
    await scene.httpPod(1, answerWith("v1"));
    await scene.start({ ports: [{ port: servicePort, appProtocol: "http" }] });
    await scene.route(1);
    const slow = scene.connect();
    const idle = scene.connect();
    await idle.send("GET / HTTP/1.1\r\nHost: w\r\n\r\n").sees(/v1$/);
    await slow.send("GET / HTTP/1.1\r\nHost: w\r\n\r\n").sees(/v1$/);
    slow.send("GET / HTTP/1.1\r\nHo");
    // An answer on another connection, sent later, shows that the proxy has read what was sent before.
    await scene.connect().send("GET / HTTP/1.1\r\nHost: w\r\n\r\n").sees(/v1$/);
    await manual.advance(31);
    await slow.ends();
    assert.match(slow.received, /HTTP\/1.1 408 /);
    assert.equal(idle.isEnded, false);
    await manual.advance(121);
    await idle.ends();
    assert.equal(idle.received.match(/HTTP\/1.1/g)?.length, 1);
  });

  test("stopping lets the answer in flight finish and accepts no more clients", async () => {
    const { promise: asked, resolve: wasAsked } = Promise.withResolvers<void>();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    await scene.httpPod(1, async (_incoming, response) => {
      wasAsked();
      await released;
      response.end("v1");
    });
    await scene.start();
    await scene.route(1);
    const slow = scene.connect().send("GET / HTTP/1.1\r\nHost: w\r\n\r\n");
    await asked;
    const stopped = scene.traffic?.stop();
    await assert.rejects(fetchText(), /ECONNREFUSED/);
    release();
    await slow.ends();
    assert.match(slow.received, /Connection: close[\s\S]*v1$/);
    await stopped;
  });

  test("damaged saved routes are named in the log, and routing begins anew", async () => {
    await scene.httpPod(1, answerWith("v1"));
    await scene.start();
    await scene.route(1);
    await scene.traffic?.stop();
    await writeFile(join(scene.dataFolder, "traffic", "routes.json"), "{");
    await scene.startTraffic();
    assert.ok(scene.log.some((line) => line.includes("saved routes cannot be used")));
    const patient = async (): Promise<string> => fetchText().catch(() => "");
    let answer = "";
    while (answer === "") answer = await patient();
    assert.equal(answer, "200 v1");
  });

  test("a confirmation that the API server refuses is tried again", async () => {
    await scene.start();
    await scene.route(1);
    scene.api.refusesPatches = true;
    const generation = scene.send(2);
    await scene.until(() => scene.log.some((line) => line.includes("default/web")));
    assert.notEqual(scene.confirmed, generation);
    scene.api.refusesPatches = false;
    await scene.until(() => scene.confirmed === generation);
  });

  test("writes nothing when nothing has to be said, and confirms again when somebody takes the annotation away", async () => {
    await scene.start();
    await scene.route(1);
    const patches = scene.api.patches.length;
    const slice = scene.slice;
    assert.ok(slice !== undefined);
    scene.api.put(slicePath, slice);
    scene.api.put(slicePath, { ...slice, metadata: { ...slice.metadata, annotations: {} } });
    await scene.until(() => scene.confirmed === slice.metadata.generation);
    assert.equal(scene.api.patches.length, patches + 1);
  });
});
