import assert from "node:assert/strict";
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { describe, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { gzipSync } from "node:zlib";
import { generate } from "selfsigned";
import { later } from "../time/clock.ts";
import { ManualClock } from "../time/manual-clock.ts";
import { type CredentialSource, fixedCredentials } from "./credentials.ts";
import { ApiError } from "./errors.ts";
import { HttpTransport, type HttpTransportOptions } from "./http-transport.ts";
import { ObservedClock } from "./observed-clock.fixture.ts";
import type { ApiRequest, WatchEvent } from "./transport.ts";

interface Scene extends AsyncDisposable {
  readonly transport: HttpTransport;
  readonly clock: ManualClock;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

async function serve(handle: Handler, options: Partial<HttpTransportOptions> = {}): Promise<Scene> {
  return listening(createServer(listenerOf(handle)), "http", options);
}

/** A handler that fails breaks the connection, so that the test fails and does not wait. */
function listenerOf(handle: Handler): RequestListener {
  return (request, response) => {
    void Promise.resolve(handle(request, response)).catch((error: Error) => response.destroy(error));
  };
}

async function listening(
  server: Server,
  scheme: string,
  options: Partial<HttpTransportOptions>,
): Promise<Scene> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const clock = new ManualClock();
  const transport = new HttpTransport({ server: `${scheme}://127.0.0.1:${port}`, clock, ...options });
  return {
    transport,
    clock,
    async [Symbol.asyncDispose]() {
      transport.close();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
      assert.equal(clock.pending, 0, "no timer is left");
    },
  };
}

function answerJson(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const get = (path: string, query: Record<string, string> = {}): ApiRequest => ({
  method: "GET",
  path,
  query,
});

/** Follows a watch until it ends. */
function follow(transport: HttpTransport, query: Record<string, string> = {}) {
  const events: WatchEvent[] = [];
  const opened = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<Error | undefined>();
  const first = Promise.withResolvers<void>();
  const cancel = transport.watch(get("/api/v1/pods", { watch: "true", ...query }), {
    opened: opened.resolve,
    event: (event) => {
      events.push(event);
      first.resolve();
    },
    ended: ended.resolve,
  });
  return { events, opened: opened.promise, ended: ended.promise, first: first.promise, cancel };
}

describe("HttpTransport", () => {
  test("sends method, path, query, body, content type and user agent as asked", async () => {
    await using scene = await serve(async (request, response) => {
      const { method, url, headers } = request;
      const body = await textOf(request);
      answerJson(response, 201, {
        method,
        url,
        type: headers["content-type"],
        agent: headers["user-agent"],
        body,
      });
    });
    const response = await scene.transport.request({
      method: "PATCH",
      path: "/api/v1/namespaces/a%2Fb/pods",
      query: { labelSelector: "a=b,!c" },
      body: { text: "ü" },
      contentType: "application/merge-patch+json",
      userAgent: "teal/1",
    });
    assert.deepEqual(response, {
      code: 201,
      body: {
        method: "PATCH",
        url: "/api/v1/namespaces/a%2Fb/pods?labelSelector=a%3Db%2C%21c",
        type: "application/merge-patch+json",
        agent: "teal/1",
        body: '{"text":"ü"}',
      },
    });
  });

  test("answers refusals as results, and texts as texts", async () => {
    await using scene = await serve((request, response) => {
      if (request.url === "/healthz") response.end("ok");
      else answerJson(response, 409, { kind: "Status", reason: "Conflict" });
    });
    assert.deepEqual(await scene.transport.request(get("/healthz")), { code: 200, body: "ok" });
    assert.equal((await scene.transport.request(get("/x"))).code, 409);
  });

  test("uses one connection for requests in a row, unpacks gzip and hands on warnings", async () => {
    const ports = new Set<number | undefined>();
    await using scene = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      assert.match(request.headers["accept-encoding"] ?? "", /gzip/);
      response.setHeader("warning", ['299 - "old \\"v1\\"", 299 - "second"', '299 - "third"']);
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
      response.end(gzipSync(JSON.stringify({ is: "packed" })));
    });
    for (let count = 0; count < 3; count += 1) {
      const response = await scene.transport.request(get("/x"));
      assert.deepEqual(response.body, { is: "packed" });
      assert.deepEqual(response.warnings, ['old "v1"', "second", "third"]);
    }
    assert.equal(ports.size, 1);
  });

  test("keeps the path of a server that is behind another one", async () => {
    await using scene = await serve((request, response) => answerJson(response, 200, request.url));
    const behind = new HttpTransport({ server: `${scene.transport.server}/clusters/a/`, clock: scene.clock });
    assert.equal((await behind.request(get("/api/v1/pods"))).body, "/clusters/a/api/v1/pods");
    behind.close();
  });

  test("says where nothing listens and what to do", async () => {
    const scene = await serve(() => {});
    await scene[Symbol.asyncDispose]();
    await assert.rejects(scene.transport.request(get("/x")), (error: unknown) => {
      assert.ok(error instanceof ApiError);
      assert.equal(error.kind, "unreachable");
      assert.equal(error.code, 0);
      assert.match(
        error.message,
        /^no answer from the Kubernetes API at http:\/\/127.0.0.1:\d+: nothing listens there; start the cluster.*--context \(ECONNREFUSED\)$/,
      );
      return true;
    });
  });

  test("gives up on a server that does not answer within 30 s", async () => {
    const asked = Promise.withResolvers<void>();
    await using scene = await serve(() => asked.resolve());
    const refused = assert.rejects(scene.transport.request(get("/x")), /no answer within 30 s/);
    await asked.promise;
    await scene.clock.advance(29);
    assert.equal(scene.clock.pending, 1);
    await scene.clock.advance(1);
    await refused;
  });

  test("sends a read again when the server closed a kept connection meanwhile, a write never", async () => {
    let count = 0;
    await using scene = await serve((request, response) => {
      count += 1;
      if (count % 2 === 0) request.socket.destroy();
      else answerJson(response, 200, count);
    });
    assert.equal((await scene.transport.request(get("/x"))).body, 1);
    assert.equal((await scene.transport.request(get("/x"))).body, 3);
    const post = scene.transport.request({ method: "POST", path: "/x", body: {} });
    await assert.rejects(post, { kind: "unreachable" });
    assert.equal(count, 4);
  });

  test("does not take a web page for an API", async () => {
    await using scene = await serve((_, response) => {
      response.writeHead(200, { "content-type": "application/json" }).end("<html>");
    });
    await assert.rejects(scene.transport.request(get("/x")), /no valid JSON; is a proxy or another program/);
  });

  test("asks for new credentials once when they are refused", async () => {
    let token = 1;
    let renewals = 0;
    const credentials: CredentialSource = {
      current: () => Promise.resolve({ authorization: `Bearer ${token}` }),
      refused: () => {
        token += 1;
        renewals += 1;
        return Promise.resolve(true);
      },
    };
    let accepted = "Bearer 2";
    await using scene = await serve(
      ({ headers }, response) => answerJson(response, headers.authorization === accepted ? 200 : 401, {}),
      { credentials },
    );
    assert.equal((await scene.transport.request(get("/x"))).code, 200);
    accepted = "none";
    assert.equal((await scene.transport.request(get("/x"))).code, 401);
    assert.equal(renewals, 2);
  });

  const putOff: readonly [what: string, code: number, method: ApiRequest["method"], isAgain: boolean][] = [
    ["a read for now", 429, "GET", true],
    ["a write for now", 429, "PATCH", true],
    ["a read that failed", 503, "GET", true],
    ["a read that failed inside", 500, "GET", true],
    ["a write that may have been done", 503, "PATCH", false],
    ["a write that may have been done inside", 500, "POST", false],
  ];
  for (const [what, code, method, isAgain] of putOff) {
    test(`${isAgain ? "asks again for" : "does not repeat"} ${what} that the server puts off (${code})`, async () => {
      const clock = new ObservedClock();
      let count = 0;
      const handle: Handler = (_, response) => {
        count += 1;
        response.setHeader("retry-after", "7");
        answerJson(response, count === 1 ? code : 200, {});
      };
      await using scene = await serve(handle, { clock });
      const body = method === "GET" ? {} : { body: {} };
      const response = scene.transport.request({ method, path: "/x", ...body });
      if (!isAgain) {
        assert.deepEqual(await response, { code, body: {}, retryAfterSeconds: 7 });
        return;
      }
      await clock.whenAsked(later(clock.now(), 7.1));
      await clock.advance(7);
      assert.equal(count, 1, "not before that");
      await clock.advance(0.1);
      assert.equal((await response).code, 200);
      assert.equal(count, 2);
    });
  }

  test("hands on what is put off beyond the time of a request, and what is put off without saying for how long", async () => {
    let wait = "31";
    await using scene = await serve((_, response) => {
      if (wait !== "") response.setHeader("retry-after", wait);
      answerJson(response, 429, {});
    });
    const late = await scene.transport.request(get("/x"));
    assert.deepEqual([late.code, late.retryAfterSeconds], [429, 31]);
    wait = new Date(scene.clock.now() + 90_000).toUTCString();
    assert.equal((await scene.transport.request(get("/x"))).retryAfterSeconds, 90);
    for (wait of ["", "-1", "soon", "1e9"]) {
      assert.equal((await scene.transport.request(get("/x"))).retryAfterSeconds, undefined);
    }
  });

  test("does not follow where a login page is", async () => {
    await using scene = await serve((_, response) =>
      response.writeHead(302, { location: "https://login.example/" }).end(),
    );
    await assert.rejects(scene.transport.request(get("/x")), {
      kind: "unreachable",
      message: /it sends elsewhere, to https:\/\/login.example\/, with HTTP 302/,
    });
  });

  test("opens a watch and a log with new credentials when the old ones are refused, and tells which were", async () => {
    const refused: unknown[] = [];
    let token = 1;
    const credentials: CredentialSource = {
      current: () => Promise.resolve({ authorization: `Bearer ${token}`, ca: "unused" }),
      refused: (which) => {
        refused.push(which);
        token += 1;
        return Promise.resolve(true);
      },
    };
    await using scene = await serve(
      ({ headers }, response) => {
        if (headers.authorization !== `Bearer ${2}` && headers.authorization !== "Bearer 3")
          answerJson(response, 401, {});
        else if (headers.authorization === "Bearer 3") response.end("text");
        else response.end('{"type":"BOOKMARK","object":{"metadata":{}}}\n');
      },
      { credentials },
    );
    assert.equal(await follow(scene.transport).ended, undefined);
    token = 3;
    const pieces: string[] = [];
    for await (const piece of scene.transport.follow(get("/log"), new AbortController().signal))
      pieces.push(piece);
    assert.equal(pieces.join(""), "text");
    assert.deepEqual(refused, [{ authorization: "Bearer 1" }]);
  });

  test("gives up on a log that does not begin within 30 s, not on one that is silent", async () => {
    const asked = Promise.withResolvers<ServerResponse>();
    await using scene = await serve((request, response) => {
      if (request.url === "/silent") response.write("first");
      asked.resolve(response);
    });
    const read = async (path: string, stop = new AbortController().signal): Promise<string> => {
      for await (const piece of scene.transport.follow(get(path), stop)) return piece;
      return "";
    };
    const refused = assert.rejects(read("/never"), /no answer within 30 s/);
    await asked.promise;
    await scene.clock.advance(30);
    await refused;
    const pieces = scene.transport.follow(get("/silent"), new AbortController().signal);
    assert.equal((await pieces.next()).value, "first");
    const second = pieces.next();
    await scene.clock.advance(3600);
    (await asked.promise).destroy();
    scene.transport.close();
    await assert.rejects(second, { kind: "unreachable" });
  });

  test("ends a watch whose sink throws with that very error, and leaves nothing open", async () => {
    const closed = Promise.withResolvers<void>();
    await using scene = await serve((_, response) => {
      response.on("close", closed.resolve);
      response.write('{"type":"BOOKMARK","object":{"metadata":{}}}\n'.repeat(3));
    });
    const bug = new Error("a bug");
    let events = 0;
    const ended = Promise.withResolvers<Error | undefined>();
    scene.transport.watch(get("/x"), {
      event: () => {
        events += 1;
        throw bug;
      },
      ended: ended.resolve,
    });
    assert.equal(await ended.promise, bug);
    await closed.promise;
    assert.equal(events, 1);
  });

  test("warns of a sink that throws when it is told of the end, and goes on", async () => {
    await using scene = await serve((_, response) => response.end());
    const bug = new Error("a bug at the end");
    const warned = once(process, "warning");
    scene.transport.watch(get("/x"), {
      event: () => {},
      ended: () => {
        throw bug;
      },
    });
    const [warning] = (await warned) as Error[];
    assert.equal(warning?.message, "internal error: a bug at the end");
  });

  test("tells watch events as they come, cut anywhere, and the end", async () => {
    const text = `{"type":"ADDED","object":{"metadata":{"name":"ü"}}}\n{"type":"BOOKMARK","object":{"metadata":{}}}\n`;
    await using scene = await serve(async (_, response) => {
      response.flushHeaders();
      for (const byte of Buffer.from(text)) {
        await new Promise((resolve) => response.write(Buffer.of(byte), resolve));
      }
      response.end();
    });
    const watch = follow(scene.transport);
    assert.equal(await watch.ended, undefined);
    assert.deepEqual(
      watch.events.map(({ type }) => type),
      ["ADDED", "BOOKMARK"],
    );
  });

  test("tells that a watch is open before the first event", async () => {
    await using scene = await serve((_, response) => response.flushHeaders());
    const watch = follow(scene.transport);
    await watch.opened;
    assert.deepEqual(watch.events, []);
    watch.cancel();
  });

  test("ends a watch with the refusal, or with what broke it", async () => {
    await using refusing = await serve((_, response) =>
      answerJson(response, 410, { kind: "Status", reason: "Expired", message: "too old" }),
    );
    const refusal = await follow(refusing.transport).ended;
    assert.ok(refusal instanceof ApiError && refusal.kind === "expired" && refusal.message === "too old");
    await using breaking = await serve((request, response) => {
      response.write('{"type":"BOOKMARK","object":{"metadata":{}}}\n{"type"', () => request.socket.destroy());
    });
    const broken = await follow(breaking.transport).ended;
    assert.ok(broken instanceof ApiError && broken.kind === "unreachable", String(broken));
    await using halving = await serve((_, response) => response.end('{"type":"BOOKM'));
    assert.match(String(await follow(halving.transport).ended), /broke off within an event/);
  });

  test("closes the connection of a cancelled watch and tells nothing more", async () => {
    const closed = Promise.withResolvers<void>();
    await using scene = await serve((_, response) => {
      response.on("close", closed.resolve);
      response.write('{"type":"BOOKMARK","object":{"metadata":{}}}\n');
    });
    const watch = follow(scene.transport);
    let hasEnded = false;
    void watch.ended.then(() => {
      hasEnded = true;
    });
    await watch.first;
    watch.cancel();
    await closed.promise;
    assert.equal(hasEnded, false);
    assert.equal(watch.events.length, 1);
  });

  test("lets a silent watch be, but not beyond its announced end", async () => {
    await using scene = await serve((_, response) => response.flushHeaders());
    const watch = follow(scene.transport, { timeoutSeconds: "300" });
    await watch.opened;
    await scene.clock.advance(329);
    assert.equal(scene.clock.pending, 1);
    await scene.clock.advance(1);
    assert.match(String(await watch.ended), /no answer within 330 s/);
  });

  test("trusts only the given authority and shows the client certificate", async () => {
    const serverPair = await generate([{ name: "commonName", value: "127.0.0.1" }], {
      extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }],
    });
    const clientPair = await generate([{ name: "commonName", value: "teal-client" }]);
    const { private: key, cert } = serverPair;
    const listener: RequestListener = (request, response) => {
      const socket = request.socket as TLSSocket;
      answerJson(response, 200, socket.getPeerCertificate().subject?.CN ?? "nobody");
    };
    const server = createSecureServer({ key, cert, requestCert: true, rejectUnauthorized: false }, listener);
    const credentials = fixedCredentials({ ca: cert, cert: clientPair.cert, key: clientPair.private });
    await using scene = await listening(server, "https", { credentials });
    assert.equal((await scene.transport.request(get("/x"))).body, "teal-client");
    const { server: address } = scene.transport;
    const { clock } = scene;
    const distrustful = new HttpTransport({ server: address, clock });
    await assert.rejects(
      distrustful.request(get("/x")),
      /not signed by the kubeconfig's certificate-authority/,
    );
    const wrongName = new HttpTransport({
      server: address,
      clock,
      credentials: fixedCredentials({ ca: cert }),
      tlsServerName: "elsewhere",
    });
    await assert.rejects(wrongName.request(get("/x")), /certificate is for another host/);
    const careless = new HttpTransport({ server: address, clock, insecureSkipTlsVerify: true });
    assert.equal((await careless.request(get("/x"))).body, "nobody");
    careless.close();
  });
});
