import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { ProxyFixture } from "./proxy.fixture.ts";

const get = "GET / HTTP/1.1\r\nHost: w\r\n\r\n";
const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";

/** What a pod sends, perhaps with the end of its connection. */
interface Answer {
  readonly pod: string;
  readonly end?: true;
  /** What the client gets. */
  readonly client: string;
  /** The client's connection is over; otherwise it is good for another request. */
  readonly isLast?: true;
  /** The connection to the pod is not used again. */
  readonly isNotKept?: true;
}

const answers: Readonly<Record<string, Answer>> = {
  "bare line feeds": {
    pod: "HTTP/1.1 200 OK\nContent-Length: 2\n\nv1",
    client: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nv1",
  },
  "bare line feeds until the end": {
    pod: "HTTP/1.0 200 OK\nA: 1\n\nv\n1",
    end: true,
    client: "HTTP/1.0 200 OK\r\nA: 1\r\n\r\nv\n1",
    isLast: true,
  },
  "an end without length or close": {
    pod: "HTTP/1.1 200 OK\r\n\r\nv1",
    end: true,
    client: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nv1",
    isLast: true,
  },
  "HTTP/1.0 that is kept": {
    pod: "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nv1",
    client: "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nv1",
  },
  "chunks in HTTP/1.0": {
    pod: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nv1\r\n0\r\n\r\n",
    client: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nv1\r\n0\r\n\r\n",
    isLast: true,
    isNotKept: true,
  },
  "many interim answers": {
    pod: `${hints.repeat(50)}HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102\nA: 1\n\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nv1`,
    client: `${hints.repeat(50)}HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102\r\nA: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nv1`,
  },
  "padded, long and upper-case chunk sizes, extensions and trailers": {
    pod: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0002   \r\nv1\r\nA ;x="y"\r\n0123456789\r\n000\r\nT: 1\r\n\r\n',
    client:
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0002   \r\nv1\r\nA ;x="y"\r\n0123456789\r\n000\r\nT: 1\r\n\r\n',
  },
  "no body by chunks": {
    pod: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    client: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  },
  "a body behind a 204": {
    pod: "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nv1",
    client: "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n",
    isNotKept: true,
  },
  "a length with a 304": {
    pod: "HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n",
    client: "HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n",
  },
  "a head near the limit": {
    pod: `HTTP/1.1 200 OK\r\nA: ${"a".repeat(65_000)}\r\nContent-Length: 2\r\n\r\nv1`,
    client: `HTTP/1.1 200 OK\r\nA: ${"a".repeat(65_000)}\r\nContent-Length: 2\r\n\r\nv1`,
  },
  "bytes that nobody asked for behind it": {
    pod: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nv1HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
    client: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nv1",
    isNotKept: true,
  },
};

describe("an answer with", { timeout: 60_000 }, () => {
  let proxy: ProxyFixture;
  let connections: number;
  beforeEach(() => {
    proxy = new ProxyFixture();
    connections = 0;
  });
  afterEach(() => proxy.end());

  const podThatSays = (text: string, end?: true) =>
    proxy.pod((socket) => {
      connections++;
      socket.on("data", () => {
        socket.write(text, "latin1");
        if (end === true) socket.end();
      });
    });

  for (const [what, { pod, end, client: expected, isLast, isNotKept }] of Object.entries(answers)) {
    test(`${what} reaches the client`, async () => {
      proxy.route.swap([await podThatSays(pod, end)]);
      const client = await proxy.client();
      client.send(get);
      while (client.received.length < expected.length)
        await client.sees(new RegExp(`^[^]{${client.received.length + 1}}`));
      assert.equal(client.received, expected);
      if (isLast === true) {
        await client.ends();
      } else {
        client.send(get);
        while (client.received.length < 2 * expected.length)
          await client.sees(new RegExp(`^[^]{${client.received.length + 1}}`));
      }
      assert.equal(connections, isLast === true ? 1 : isNotKept === true ? 2 : 1);
    });
  }

  test("a head over the limit is refused with the limit", async () => {
    proxy.route.swap([await podThatSays(`HTTP/1.1 200 OK\r\nA: ${"a".repeat(70_000)}\r\n\r\n`)]);
    const client = await proxy.client();
    await client.send(get).sees(/^HTTP\/1.1 502 [^]*its head is larger than 64 KiB/);
  });

  test("chunks that are cut by bare line feeds is refused", async () => {
    proxy.route.swap([
      await podThatSays("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nv1\n0\n\n"),
    ]);
    const client = await proxy.client();
    await client.send(get).sees(/^HTTP\/1.1 502 [^]*breaks the chunked coding/);
  });

  test("an early end reaches a client that goes on sending a large body", async () => {
    proxy.route.swap([
      await proxy.pod((socket) => {
        socket.once("data", () => {
          socket.end("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig");
        });
        socket.resume();
      }),
    ]);
    const client = await proxy.client();
    client.send(`POST / HTTP/1.1\r\nHost: w\r\nContent-Length: 5000000\r\n\r\n${"x".repeat(4_000_000)}`);
    await client.sees(/^HTTP\/1.1 413 [^]*big$/);
  });

  test("the switch to another protocol passes the bytes behind it, when that was asked for", async () => {
    const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n";
    proxy.route.swap([
      await proxy.pod((socket) => {
        socket.once("data", () => {
          socket.write(`${switching}\x81hello`, "latin1");
          socket.on("data", (bytes) => socket.write(bytes));
          socket.on("end", () => socket.end("bye"));
        });
      }),
    ]);
    const client = await proxy.client();
    await client
      .send("GET / HTTP/1.1\r\nHost: w\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
      .sees(/\x81hello$/);
    proxy.route.swap([]);
    client.socket.end("\0more", "latin1");
    await client.sees(/\0morebye$/);
    await client.ends();
    const unasked = await proxy.client();
    await unasked.send(get).sees(/^HTTP\/1.1 503 /);
    proxy.route.swap([await podThatSays(switching)]);
    await unasked.send(get).sees(/HTTP\/1.1 502 [^]*without being asked/);
  });

  test("HTTP/1 is given to a client that offers to go on with HTTP/2", async () => {
    proxy.route.swap([
      await proxy.pod((socket) =>
        socket.on("data", (bytes) => {
          const head = bytes.toString("latin1");
          const isOffered = /^connection:.*upgrade/im.test(head);
          socket.write(
            isOffered
              ? "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
              : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nv1",
          );
        }),
      ),
    ]);
    const client = await proxy.client();
    const offer =
      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";
    await client.send(`GET / HTTP/1.1\r\nHost: w\r\n${offer}\r\n`).sees(/^HTTP\/1.1 200 [^]*v1$/);
  });
});
