import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { Agent, request as httpsRequest, type RequestOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import type { KubernetesObject } from "../../src/api/core.ts";
import { resources } from "../../src/api/resources.ts";
import { Access } from "../../src/cluster/api-server/access/access.ts";
import { type HttpServer, start } from "../../src/cluster/api-server/http/http-server.ts";
import { accessOf, loadPki, type Pki } from "../../src/cluster/api-server/http/pki.ts";
import type { ServedApi } from "../../src/cluster/api-server/http/request-handler.ts";
import { expired, notFound } from "../../src/cluster/api-server/refusal.ts";
import { Store } from "../../src/cluster/store/store.ts";
import type { ApiRequest, ApiResponse, WatchSink } from "../../src/kubernetes/transport.ts";
import { SystemClock } from "../../src/time/system-clock.ts";

/** Answers what a test tells it to, and remembers what it was asked. */
class RecordingApi implements ServedApi {
  readonly requests: ApiRequest[] = [];
  answer: ApiResponse = { code: 200, body: {} };
  watcher: WatchSink | undefined;
  cancelled = Promise.withResolvers<void>();
  refuseWatch: Error | undefined;
  logRefusal: ApiResponse | undefined;
  logEnded = Promise.withResolvers<void>();

  async podLog({ query }: ApiRequest, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | ApiResponse> {
    return this.logRefusal ?? this.#endlessLog(query?.["tailLines"], signal);
  }
  async *#endlessLog(tailLines: string | undefined, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield Buffer.from(`the last ${tailLines} lines\n`);
      if (!signal.aborted) await once(signal, "abort");
    } finally {
      this.logEnded.resolve();
    }
  }
  access = new Access(new Store(), new SystemClock());
  podStream(): ApiResponse {
    return { code: 404, body: "404 page not found\n" };
  }
  resources() {
    return [];
  }
  async request(request: ApiRequest): Promise<ApiResponse> {
    this.requests.push(request);
    return this.answer;
  }
  watch(request: ApiRequest, sink: WatchSink): () => void {
    this.requests.push(request);
    this.watcher = sink;
    this.cancelled = Promise.withResolvers<void>();
    if (this.refuseWatch === undefined) sink.opened?.();
    else sink.ended(this.refuseWatch);
    return () => this.cancelled.resolve();
  }
}

const api = new RecordingApi();
const clock = new SystemClock();
const problems: string[] = [];
let folder = "";
let pki: Pki;
let server: HttpServer;
let agent: Agent;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "teal-https-"));
  pki = await loadPki(folder, clock.now());
  api.access = new Access(new Store(), clock, accessOf(pki));
  server = await start({
    apiServer: api,
    pki,
    clock,
    port: 0,
    onProblem: (text) => problems.push(text),
  });
  agent = new Agent({ ca: pki.authority, keepAlive: true });
});
after(async () => {
  agent.destroy();
  await server.close();
  await rm(folder, { recursive: true });
});

interface Asked extends Omit<RequestOptions, "headers"> {
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | Buffer;
}

function open(path: string, { body, headers, ...options }: Asked = {}): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const all = { authorization: `Bearer ${pki.token}`, ...headers };
  const request = httpsRequest(`${server.url}${path}`, { agent, headers: all, ...options }, resolve);
  request.on("error", reject);
  request.end(body);
  return promise;
}

async function ask(path: string, asked: Asked = {}) {
  const response = await open(path, asked);
  const bytes = Buffer.concat(await response.toArray());
  const text =
    response.headers["content-encoding"] === "gzip" ? gunzipSync(bytes).toString() : bytes.toString();
  const isJson = (response.headers["content-type"] ?? "").startsWith("application/json");
  return {
    code: response.statusCode,
    headers: response.headers,
    text,
    body: isJson ? JSON.parse(text) : undefined,
  };
}

const configMap = (name: string, data = "1"): KubernetesObject & { data: object } => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, resourceVersion: "1" },
  data: { a: data },
});
const collection = "/api/v1/namespaces/default/configmaps";

describe("the API over HTTPS", () => {
  it("answers nobody without the token, except health and version", async () => {
    for (const authorization of ["", "Bearer wrong", `Basic ${pki.token}`, `Bearer ${pki.token}x`]) {
      const refused = await ask(collection, { headers: { authorization } });
      assert.equal(refused.code, 401);
      assert.equal(refused.body.reason, "Unauthorized");
    }
    for (const path of ["/healthz", "/livez", "/readyz"])
      assert.deepEqual((await ask(path, { headers: { authorization: "" } })).text, "ok");
    assert.match((await ask("/version", { headers: { authorization: "" } })).body.gitVersion, /^v1\.34\./);
  });

  it("hands on path, query, patch type and user agent, and shows warnings", async () => {
    api.answer = { code: 200, body: configMap("x"), warnings: ['unknown field "spec.ü"\n'] };
    const patched = await ask(`${collection}/x?dryRun=All`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json", "user-agent": "kubectl/v1" },
      body: '{"data":{"a":"2"}}',
    });
    assert.equal(
      Buffer.from(String(patched.headers.warning), "latin1").toString(),
      '299 - "unknown field \\"spec.ü\\" "',
    );
    assert.deepEqual(api.requests.at(-1), {
      method: "PATCH",
      path: `${collection}/x`,
      query: { dryRun: "All" },
      contentType: "application/merge-patch+json",
      user: { name: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] },
      userAgent: "kubectl/v1",
      body: { data: { a: "2" } },
    });
  });

  it("shows no more warnings than clients accept", async () => {
    const warnings = Array.from({ length: 2000 }, (_, n) => `unknown field "spec.field${n}"`);
    api.answer = { code: 200, body: configMap("a"), warnings };
    const { code, headers } = await ask(`${collection}/a`);
    assert.equal(code, 200);
    assert.match(String(headers["warning"]), /^299 - "unknown field \\"spec.field0\\""/);
  });

  it("writes YAML when asked", async () => {
    api.answer = { code: 200, body: configMap("x") };
    const { headers, text } = await ask(`${collection}/x`, { headers: { accept: "application/yaml" } });
    assert.equal(headers["content-type"], "application/yaml");
    assert.match(text, /^apiVersion: v1\nkind: ConfigMap\n/);
  });

  it("reduces a list to metadata when asked", async () => {
    api.answer = {
      code: 200,
      body: {
        kind: "ConfigMapList",
        apiVersion: "v1",
        metadata: { resourceVersion: "9" },
        items: [configMap("x")],
      },
    };
    const accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    assert.deepEqual((await ask(collection, { headers: { accept } })).body, {
      kind: "PartialObjectMetadataList",
      apiVersion: "meta.k8s.io/v1",
      metadata: { resourceVersion: "9" },
      items: [
        {
          kind: "PartialObjectMetadata",
          apiVersion: "meta.k8s.io/v1",
          metadata: { name: "x", resourceVersion: "1" },
        },
      ],
    });
  });

  it("compresses large answers for clients that take them compressed", async () => {
    api.answer = { code: 200, body: configMap("x", "z".repeat(200_000)) };
    const headers = { "accept-encoding": "gzip" };
    const large = await ask(`${collection}/x`, { headers });
    assert.equal(large.headers["content-encoding"], "gzip");
    assert.ok(Number(large.headers["content-length"]) < 10_000);
    assert.equal(large.body.data.a.length, 200_000);
    assert.equal((await ask(`${collection}/x`)).headers["content-encoding"], undefined);
    api.answer = { code: 200, body: configMap("x") };
    assert.equal((await ask(`${collection}/x`, { headers })).headers["content-encoding"], undefined);
  });

  it("refuses what it can neither read nor write", async () => {
    assert.equal((await ask("//", { headers: { authorization: "" } })).code, 400);
    const count = api.requests.length;
    assert.equal((await ask(collection, { headers: { accept: "text/html" } })).body.code, 406);
    assert.equal(
      (
        await ask(collection, {
          method: "POST",
          headers: { "content-type": "application/xml" },
          body: "<a/>",
        })
      ).body.code,
      415,
    );
    assert.equal((await ask(collection, { method: "POST", body: "{" })).body.code, 400);
    assert.equal((await ask(collection, { method: "OPTIONS" })).body.code, 405);
    const large = await ask(collection, { method: "POST", body: Buffer.alloc(3 * 1024 * 1024 + 1, 32) });
    assert.equal(large.body.reason, "RequestEntityTooLarge");
    assert.equal(api.requests.length, count);
  });

  it("lets clients revalidate discovery", async () => {
    const headers = { accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" };
    const { etag } = (await ask("/apis", { headers })).headers;
    assert.equal((await ask("/apis", { headers: { ...headers, "if-none-match": etag } })).code, 304);
    assert.equal((await ask("/apis", { headers: { ...headers, "if-none-match": '"old"' } })).code, 200);
  });

  it("opens a watch at once, sends events as they come, and cancels when the client goes", async () => {
    const response = await open(`${collection}?watch=1`);
    assert.equal(response.statusCode, 200);
    const lines: string[] = [];
    response.on("data", (chunk) => lines.push(...String(chunk).trim().split("\n")));
    const object = configMap("x");
    api.watcher?.event({ type: "ADDED", object });
    api.watcher?.event({ type: "MODIFIED", object });
    while (lines.length < 2) await once(response, "data");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      [
        { type: "ADDED", object },
        { type: "MODIFIED", object },
      ],
    );
    response.destroy();
    await api.cancelled.promise;
  });

  it("sends a table of one row per event, with the columns once", async () => {
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    const response = await open(`${collection}?watch=true&includeObject=None`, { headers: { accept } });
    api.watcher?.event({ type: "ADDED", object: configMap("x") });
    api.watcher?.event({ type: "ADDED", object: configMap("y") });
    api.watcher?.ended();
    const [first, second] = (await response.toArray())
      .join("")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.equal(first.object.columnDefinitions[0].name, "Name");
    assert.deepEqual(first.object.metadata, { resourceVersion: "1" });
    assert.equal(second.object.columnDefinitions, null);
    assert.equal(second.object.rows[0].cells[0], "y");
  });

  it("answers a refused watch as a Status, and ends a broken one with an error event", async () => {
    api.refuseWatch = notFound(resources.configMaps, "x");
    assert.equal((await ask(`${collection}?watch=1`)).body.code, 404);
    api.refuseWatch = undefined;
    const response = await open(`${collection}?watch=1`);
    api.watcher?.ended(expired("too old resource version: 1 (9)"));
    const event = JSON.parse((await response.toArray()).join(""));
    assert.deepEqual([event.type, event.object.code], ["ERROR", 410]);
  });

  it("takes no more events while a watcher does not read, and tells it all when it does", async () => {
    const response = await open(`${collection}?watch=1`);
    const { watcher } = api;
    assert.ok(watcher?.holds !== undefined);
    const resumed = Promise.withResolvers<void>();
    // Characters of two halves, none of which may be torn where the text is cut into pieces.
    const large = `z${"😀".repeat(500_000)}`;
    let sent = 0;
    for (; !watcher.holds(resumed.resolve); sent += 1)
      watcher.event({ type: "ADDED", object: configMap(`x${sent}`, large) });
    assert.ok(sent < 20, `${sent} events of 2 MB are taken`);
    const lines: string[] = [];
    createInterface({ input: response }).on("line", (line) => lines.push(line));
    await resumed.promise;
    assert.equal(
      watcher.holds(() => undefined),
      false,
    );
    watcher.ended();
    await once(response, "end");
    assert.equal(lines.length, sent);
    for (const line of lines) assert.ok(JSON.parse(line).object.data.a === large);
  });

  it("breaks a watch off that ends in the middle of an event, so that nobody takes half of it for all", async () => {
    const response = await open(`${collection}?watch=1`);
    const { watcher } = api;
    const large = "z".repeat(1024 * 1024);
    for (let n = 0; watcher?.holds?.(() => undefined) === false; n += 1)
      watcher.event({ type: "ADDED", object: configMap(`x${n}`, large) });
    watcher?.ended();
    await assert.rejects(response.toArray(), /aborted/);
    await api.cancelled.promise;
  });

  it("sends a long list piece by piece, compressed or not", async () => {
    const items = Array.from({ length: 500 }, (_, n) => configMap(`x${n}`, "ä".repeat(3000)));
    const body = { kind: "ConfigMapList", apiVersion: "v1", metadata: { resourceVersion: "9" }, items };
    api.answer = { code: 200, body };
    const plain = await ask(collection);
    assert.equal(plain.headers["content-length"], undefined);
    assert.equal(plain.text, `${JSON.stringify(body)}\n`);
    const packed = await ask(collection, { headers: { "accept-encoding": "gzip" } });
    assert.equal(packed.headers["content-encoding"], "gzip");
    assert.equal(packed.text, plain.text);
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    assert.equal((await ask(collection, { headers: { accept } })).body.rows.length, 500);
  });

  it("lets a client that sends far too much see why it is refused", async () => {
    const body = Buffer.alloc(20 * 1024 * 1024, 32);
    const known = await ask(collection, { method: "POST", body });
    assert.equal(known.body.reason, "RequestEntityTooLarge");
    const headers = { "transfer-encoding": "chunked" };
    const chunked = await ask(collection, { method: "POST", body, headers });
    assert.equal(chunked.body.reason, "RequestEntityTooLarge");
    assert.equal(chunked.headers.connection, "close");
  });

  it("streams a followed log until the client goes", async () => {
    const path = "/api/v1/namespaces/default/pods/p/log?follow=true&tailLines=5";
    const response = await open(path);
    assert.equal(response.headers["content-type"], "text/plain");
    const [piece] = await once(response, "data");
    assert.equal(String(piece), "the last 5 lines\n");
    response.destroy();
    await api.logEnded.promise;
  });

  it("passes on why there is no log", async () => {
    const path = "/api/v1/namespaces/default/pods/p/log";
    api.logRefusal = { code: 204, body: "" };
    assert.equal((await ask(path)).code, 204);
    api.logRefusal = { code: 400, body: { kind: "Status", message: "a container name must be specified" } };
    assert.equal((await ask(path)).body.message, "a container name must be specified");
  });

  it("names a taken port and the way out", async () => {
    await assert.rejects(
      start({ apiServer: api, pki, clock, port: server.port }),
      new RegExp(`port ${server.port} on 127.0.0.1 is taken.*--port`),
    );
  });

  it("ends open watches when it closes", async () => {
    const second = await start({ apiServer: api, pki, clock, port: 0 });
    const response = await new Promise<IncomingMessage>((resolve) =>
      httpsRequest(
        `${second.url}${collection}?watch=1`,
        { agent, headers: { authorization: `Bearer ${pki.token}` } },
        resolve,
      ).end(),
    );
    await Promise.all([response.toArray(), api.cancelled.promise, second.close()]);
  });

  it("had no problem of its own in all this", () => assert.deepEqual(problems, []));
});
