import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { RawClient } from "../raw-client.fixture.ts";
import { hesitationSeconds, silenceSeconds } from "./limits.ts";
import { ProxyFixture } from "./proxy.fixture.ts";

const ok = (text: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
const get = "GET / HTTP/1.1\r\nHost: w\r\n\r\n";

describe("a client that has just come", { timeout: 60_000 }, () => {
  let proxy: ProxyFixture;
  let connections: number;
  beforeEach(() => {
    proxy = new ProxyFixture();
    connections = 0;
  });
  afterEach(() => proxy.end());

  /** A pod that says `greeting` first, and then what it gets, in brackets. */
  const echo = (greeting = "") =>
    proxy.pod((socket) => {
      connections++;
      socket.write(greeting);
      socket.on("data", (bytes) => socket.write(`<${bytes.toString("latin1")}>`, "latin1"));
      socket.on("end", () => socket.end("<end>"));
    });
  const httpPod = (text: string) =>
    proxy.pod((socket) => {
      connections++;
      socket.on("data", () => socket.write(ok(text)));
    });
  /** Waits until the proxy has taken in what `client` has sent so far: it has if it answers somebody who came later. */
  const isTakenIn = async (): Promise<void> => {
    const later = await proxy.client();
    later.send("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n");
    await later.ends();
  };
  const fallSilent = async (seconds: number): Promise<void> => {
    await isTakenIn();
    await proxy.clock.advance(seconds);
  };

  for (const [what, bytes] of [
    ["a TLS hello", "\x16\x03\x01\x02\x00\x01"],
    ["an SSH client", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"],
    ["a Redis client", "*1\r\n$4\r\nPING\r\n"],
    ["a Redis client by hand", "GET key\r\n"],
    ["a PostgreSQL client", "\0\0\0\x08\x04\xd2\x16\x2f"],
    ["a memcached client", "get key\r\n"],
    ["a PROXY header", `PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n${get}`],
    ["a binary PROXY header", "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"],
    ["random bytes", "\xf3\x91\x00\x17\xff"],
    ["a single byte", "\x01"],
  ] as const) {
    test(`is passed on as it is when it is ${what}`, async () => {
      proxy.route.swap([await echo()]);
      const client = await proxy.client();
      const [first, rest] = [bytes.slice(0, 1), bytes.slice(1)];
      client.send(first).send(rest);
      // What comes in two pieces comes back in one or two.
      await proxyAnswers(client, bytes);
      client.socket.end("last");
      await client.sees(/<end>$/);
      await client.ends();
    });
  }

  async function proxyAnswers(client: RawClient, bytes: string): Promise<void> {
    while (client.received.replaceAll(/[<>]/g, "") !== bytes.replaceAll(/[<>]/g, "")) {
      await client.sees(new RegExp(`^[^]{${client.received.length + 1}}`));
    }
  }

  test("hears a pod that speaks first, after a short silence", async () => {
    proxy.route.swap([await echo("220 ready\r\n")]);
    const client = await proxy.client();
    await fallSilent(silenceSeconds);
    await client.sees(/^220 ready\r\n$/);
    await client.send("EHLO me\r\n").sees(/<EHLO me\r\n>$/);
  });

  test("gets through to a pod that accepts when it is silent and others refuse", async () => {
    proxy.route.swap([await proxy.refusing(), await echo("220 ready\r\n")]);
    for (let count = 0; count < 2; count++) {
      const client = await proxy.client();
      await fallSilent(silenceSeconds);
      await client.sees(/^220 ready\r\n$/);
    }
  });

  test("is served per request when it was silent and then speaks HTTP", async () => {
    proxy.route.swap([await httpPod("v1")]);
    const client = await proxy.client();
    await fallSilent(silenceSeconds);
    await client.send(get).sees(/v1$/);
    assert.equal(connections, 1, "the connection made in the silence carries the request");
    proxy.route.swap([await httpPod("v2")]);
    await client.send(get).sees(/v2$/);
  });

  test("that was silent over a switch goes to the new side, whatever it speaks", async () => {
    const old = await echo();
    for (const bytes of ["\x01", get]) {
      connections = 0;
      proxy.route.swap([old]);
      const client = await proxy.client();
      await fallSilent(silenceSeconds);
      while (connections === 0) await isTakenIn();
      proxy.route.swap([await proxy.pod((socket) => socket.on("data", () => socket.write(ok("new"))))]);
      await client.send(bytes).sees(/new$/);
    }
  });

  test("that was silent gets an HTTP answer where no pod can be had", async () => {
    const client = await proxy.client();
    await fallSilent(silenceSeconds);
    await client.send(get).sees(/^HTTP\/1.1 503 [^]*has no ready endpoint/);
  });

  test("that goes on being silent is let go where no pod can be had", async () => {
    const client = await proxy.client();
    await fallSilent(silenceSeconds);
    await proxy.clock.advance(31);
    await client.ends();
    assert.equal(client.received, "");
  });

  test("that is silent within the first line of a request is waited for as an HTTP client", async () => {
    proxy.route.swap([await httpPod("v1")]);
    const client = await proxy.client();
    client.send("GET /slow");
    await fallSilent(20);
    await client.send("ly HTTP/1.1\r\nHost: w\r\n\r\n").sees(/v1$/);
    const later = await proxy.client();
    later.send("GET /never");
    await fallSilent(31);
    await later.sees(/^HTTP\/1.1 408 /);
  });

  test("that is silent after the first letters of a method is passed on after a while", async () => {
    proxy.route.swap([await echo()]);
    const client = await proxy.client();
    client.send("P");
    await fallSilent(silenceSeconds);
    await isTakenIn();
    assert.equal(connections, 0);
    await proxy.clock.advance(hesitationSeconds);
    await client.sees(/^<P>$/);
  });

  test("that is silent after letters of no method is passed on at once", async () => {
    proxy.route.swap([await echo()]);
    const client = await proxy.client();
    client.send("HELLO");
    await fallSilent(silenceSeconds);
    await client.sees(/^<HELLO>$/);
  });

  test("that spoke within the silence is judged by the same rules", async () => {
    proxy.route.swap([await echo()]);
    const client = await proxy.client();
    await fallSilent(silenceSeconds);
    client.send("HELLO");
    await fallSilent(silenceSeconds);
    await client.sees(/^<HELLO>$/);
  });

  for (const bytes of ["GET /\0 HTTP/1.1\r\n\r\n", "GET / HTTP/1.2\r\n\r\n", "GET / HTTP/1.1\nHost: w\n\n"]) {
    test(`that sends ${JSON.stringify(bytes)} is refused and reaches no pod`, async () => {
      proxy.route.swap([await echo()]);
      const client = await proxy.client();
      await client.send(bytes).ends();
      assert.match(client.received, /^HTTP\/1.1 (400|505) /);
      assert.equal(connections, 0);
    });
  }
});
