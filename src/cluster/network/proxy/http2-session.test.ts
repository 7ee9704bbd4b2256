import assert from "node:assert/strict";
import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, test } from "node:test";
import { ProxyFixture } from "./proxy.fixture.ts";
import type { EndpointAddress } from "./route.ts";

interface Pod {
  readonly address: EndpointAddress;
  readonly server: Http2Server;
  readonly sessions: Set<ServerHttp2Session>;
}

describe("a client that speaks HTTP/2", { timeout: 60_000 }, () => {
  let proxy: ProxyFixture;
  let cleanUps: (() => void)[];
  beforeEach(() => {
    proxy = new ProxyFixture();
    cleanUps = [];
  });
  afterEach(async () => {
    for (const cleanUp of cleanUps) cleanUp();
    await proxy.end();
  });

  async function pod(serve: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void): Promise<Pod> {
    const server = createServer();
    const sessions = new Set<ServerHttp2Session>();
    server.on("session", (session) => {
      sessions.add(session);
      session.on("close", () => sessions.delete(session)).on("error", () => {});
    });
    server.on("stream", (stream, headers) => {
      stream.on("error", () => {});
      serve(stream, headers);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanUps.push(() => {
      for (const session of sessions) session.destroy();
      server.close();
    });
    return {
      address: { address: "127.0.0.1", port: (server.address() as AddressInfo).port },
      server,
      sessions,
    };
  }

  /** As a gRPC server: reads all, answers, and says in trailers how it went. */
  const unary = (name: string) =>
    pod(async (stream) => {
      const body = await text(stream);
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(`${name}:${body}`);
    });

  async function client(): Promise<ClientHttp2Session> {
    const session = connect(`http://127.0.0.1:${await proxy.listen()}`);
    session.on("error", () => {});
    cleanUps.push(() => session.destroy());
    return session;
  }

  interface Answer {
    readonly status: number | undefined;
    readonly body: string;
    readonly trailers: IncomingHttpHeaders | undefined;
  }

  async function answerTo(stream: ClientHttp2Stream): Promise<Answer> {
    let trailers: IncomingHttpHeaders | undefined;
    stream.on("trailers", (received: IncomingHttpHeaders) => {
      trailers = received;
    });
    const [headers] = (await once(stream, "response")) as [IncomingHttpHeaders & { ":status"?: number }];
    const body = await text(stream);
    return { status: headers[":status"], body, trailers: trailers && { ...trailers } };
  }

  async function ask(
    session: ClientHttp2Session,
    body?: string,
    headers: OutgoingHttpHeaders = {},
  ): Promise<Answer> {
    const stream = session.request({
      ":path": "/",
      ":method": body === undefined ? "GET" : "POST",
      ...headers,
    });
    stream.end(body);
    return answerTo(stream);
  }

  test("is answered with body and trailers, also with many streams at once", async () => {
    proxy.route.swap([(await unary("v1")).address]);
    const session = await client();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => ask(session, `${index}`)));
    for (const [index, answer] of answers.entries()) {
      assert.equal(answer.status, 200);
      assert.equal(answer.body, `v1:${index}`);
      assert.equal(answer.trailers?.["grpc-status"], "0");
    }
  });

  test("is led anew for each stream: new ones go to the new side, those under way finish", async () => {
    const old = await pod((stream) => {
      stream.respond({ ":status": 200 }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.write("open ");
      stream.on("data", (bytes: Buffer) => stream.write(`old:${bytes.toString()} `));
      stream.on("end", () => stream.end("end"));
    });
    proxy.route.swap([old.address]);
    const session = await client();
    const streaming = session.request({ ":path": "/", ":method": "POST" });
    const answer = answerTo(streaming);
    streaming.write("a");
    await once(streaming, "response");
    proxy.route.swap([(await unary("new")).address]);
    assert.equal((await ask(session, "x")).body, "new:x");
    streaming.end("b");
    assert.match((await answer).body, /^open old:a old:b end$/);
    assert.equal((await answer).trailers?.["grpc-status"], "0");
    assert.equal(session.closed, false, "the client keeps its connection");
    // The old side is left once nothing is under way there.
    const left = [...old.sessions].map((each) => once(each, "close"));
    assert.equal(left.length, 1);
    await proxy.clock.advance(1);
    await Promise.all(left);
  });

  test("passes trailers of a request, interim answers, and answers without a body", async () => {
    const seen: unknown[] = [];
    const server = await pod((stream, headers) => {
      if (headers[":method"] === "HEAD") {
        stream.respond({ ":status": 200, "content-length": "5" }, { endStream: true });
        return;
      }
      stream.on("trailers", (trailers: IncomingHttpHeaders) => seen.push(trailers["x-sum"]));
      stream.resume();
      stream.on("end", () => {
        stream.additionalHeaders({ ":status": 103, link: "</a>" });
        stream.respond(
          { ":status": 200, "grpc-status": "5", "set-cookie": ["a=1", "b=2"] },
          { endStream: true },
        );
      });
    });
    proxy.route.swap([server.address]);
    const session = await client();
    const stream = session.request({ ":path": "/", ":method": "POST" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "7" }));
    const interim = once(stream, "headers");
    const response = once(stream, "response");
    stream.end("body");
    stream.resume();
    assert.equal(((await interim) as [IncomingHttpHeaders])[0].link, "</a>");
    const [headers] = (await response) as [IncomingHttpHeaders];
    assert.equal(headers["grpc-status"], "5");
    assert.deepEqual(headers["set-cookie"], ["a=1", "b=2"]);
    await once(stream, "close");
    assert.deepEqual(seen, ["7"]);
    assert.equal((await ask(session, undefined, { ":method": "HEAD" })).status, 200);
  });

  test("is passed over pods that refuse, and told when there is none", async () => {
    proxy.route.swap([await proxy.refusing(), (await unary("v1")).address]);
    const session = await client();
    for (let count = 0; count < 4; count++) assert.equal((await ask(session, "x")).body, "v1:x");
    proxy.route.swap([]);
    const answer = await ask(session, "x");
    assert.equal(answer.status, 503);
    assert.match(answer.body, /Service default\/web port 80 has no ready endpoint/);
  });

  test("loses nothing to a pod that says goodbye before it has looked at a stream", async () => {
    let refused = 0;
    const leaving = await pod((stream) => {
      refused++;
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      if (refused === 2) proxy.route.swap([other.address]);
    });
    const other = await unary("other");
    proxy.route.swap([leaving.address]);
    assert.equal((await ask(await client(), "pay")).body, "other:pay");
    assert.equal(refused, 2);
  });

  test("is told when a pod goes on refusing", async () => {
    proxy.route.swap([(await pod((stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM))).address]);
    const answer = await ask(await client(), "pay");
    assert.equal(answer.status, 503);
    assert.match(answer.body, /takes no requests/);
  });

  test("sees its own and the pod's resets, and a pod that dies", async () => {
    const closed: number[] = [];
    const server = await pod((stream, headers) => {
      if (headers[":path"] === "/reset") stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      else if (headers[":path"] === "/die") stream.session?.destroy();
      else if (headers[":path"] === "/half") {
        stream.respond({ ":status": 200 });
        stream.write("half");
      } else stream.on("close", () => closed.push(stream.rstCode));
    });
    proxy.route.swap([server.address]);
    const session = await client();
    const reset = session.request({ ":path": "/reset" });
    await assert.rejects(once(reset, "close"), /ENHANCE_YOUR_CALM/);
    assert.equal(reset.rstCode, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    assert.match(
      (await ask(session, undefined, { ":path": "/die" })).body,
      /ended the connection before it had answered/,
    );
    const cut = session.request({ ":path": "/half" });
    await once(cut, "data");
    for (const each of server.sessions) each.destroy();
    await assert.rejects(once(cut, "close"), /NGHTTP2_INTERNAL_ERROR/);
    const given = session.request({ ":path": "/wait" });
    given.on("error", () => {});
    const reached = once(server.server, "stream");
    await reached;
    given.close(constants.NGHTTP2_CANCEL);
    while (closed.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(closed, [constants.NGHTTP2_CANCEL]);
  });

  test("sends and receives large bodies, held back by whoever reads slowly", async () => {
    const size = 8 * 1024 * 1024;
    const server = await pod((stream) => {
      stream.respond({ ":status": 200 });
      stream.pipe(stream);
    });
    proxy.route.swap([server.address]);
    const stream = (await client()).request({ ":path": "/", ":method": "POST" });
    stream.end(Buffer.alloc(size, "x"));
    let received = 0;
    for await (const bytes of stream) {
      received += (bytes as Buffer).length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(received, size);
  });

  test("is sent away when the Service is gone, after what is under way", async () => {
    let finish: () => void = () => {};
    const server = await pod((stream) => {
      stream.respond({ ":status": 200 });
      stream.write("begins ");
      finish = () => stream.end("ends");
    });
    proxy.route.swap([server.address]);
    const session = await client();
    const stream = session.request({ ":path": "/" });
    const body = answerTo(stream);
    await once(stream, "response");
    const goodbye = once(session, "close");
    proxy.sessions.drainRoute(proxy.route);
    finish();
    assert.equal((await body).body, "begins ends");
    await goodbye;
  });
});
