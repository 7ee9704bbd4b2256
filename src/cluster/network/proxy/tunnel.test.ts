import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ProxyFixture } from "./proxy.fixture.ts";

const echo = (socket: Socket): void => {
  socket.on("data", (bytes) => socket.write(bytes));
};

describe("a connection that stays with its pod after a switch", () => {
  let proxy: ProxyFixture;
  beforeEach(() => {
    proxy = new ProxyFixture();
    proxy.route.protocol = "tcp";
  });
  afterEach(() => proxy.end());

  it("is counted, and left to it as long as it likes", async () => {
    proxy.route.swap([await proxy.pod(echo)]);
    const client = await proxy.client();
    await client.send("a").sees(/a$/);
    assert.deepEqual([...proxy.sessions.staying()], []);
    proxy.route.swap([await proxy.pod(echo)]);
    assert.deepEqual([...proxy.sessions.staying()], [["127.0.0.1", 1]]);
    await proxy.clock.advance(86_400);
    await client.send("b").sees(/b$/);
  });

  it("is closed when its time is over, where the Service sets one, and not before", async () => {
    proxy.route.pinnedSeconds = 60;
    proxy.route.swap([await proxy.pod(echo)]);
    const client = await proxy.client();
    await client.send("a").sees(/a$/);
    await proxy.clock.advance(3600);
    proxy.route.swap([await proxy.pod(echo)]);
    await proxy.clock.advance(59);
    await client.send("b").sees(/b$/);
    await proxy.clock.advance(2);
    await client.ends();
    const next = await proxy.client();
    await next.send("c").sees(/c$/);
  });
});
