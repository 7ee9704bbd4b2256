import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { after, before, describe, it } from "node:test";
import type { Pod } from "../../../../api/core.ts";
import { control } from "../spdy/frames.ts";
import { SpdyClient } from "../spdy/spdy.fixture.ts";
import { portForwardStream } from "./port-forward.ts";

// A program that says everything twice when its client has said all.
let program: Server;
let port: number;
const door = createServer();
const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", uid: "u-1" },
  spec: { containers: [{ name: "web" }] },
};

before(async () => {
  program = createTcpServer({ allowHalfOpen: true }, (socket) => void answer(socket)).listen(0, "127.0.0.1");
  await once(program, "listening");
  port = portOf(program);
  door.on("upgrade", (request, socket, head) => {
    void portForwardStream({ request, socket, head }, { pod, network: { podIp: "127.0.0.1" } });
  });
  door.listen(0, "127.0.0.1");
  await once(door, "listening");
});
after(() => {
  program.close();
  door.closeAllConnections();
  door.close();
});

async function answer(socket: Socket): Promise<void> {
  const said = Buffer.concat(await socket.toArray());
  socket.end(Buffer.concat([said, said]));
}

function portOf(server: { address(): unknown }): number {
  return (server.address() as { readonly port: number }).port;
}

async function begin(): Promise<SpdyClient> {
  const asked = httpRequest({
    port: portOf(door),
    method: "POST",
    headers: {
      connection: "Upgrade",
      upgrade: "SPDY/3.1",
      "x-stream-protocol-version": "portforward.k8s.io",
    },
  });
  asked.end();
  const [, socket] = (await once(asked, "upgrade")) as [unknown, Duplex];
  return new SpdyClient(socket);
}

async function open(client: SpdyClient, to: number, requestid: string) {
  const headers = { port: String(to), requestid };
  const errors = await client.open({ streamtype: "error", ...headers }, true);
  return { errors, data: await client.open({ streamtype: "data", ...headers }) };
}

describe("a forwarded port", () => {
  it("carries what is said and what is answered, each to its end", async () => {
    const client = await begin();
    const { errors, data } = await open(client, port, "0");
    client.send(data, "hello ", true);
    await client.until(() => client.isEnded(data) && client.isEnded(errors));
    assert.equal(client.textOf(data), "hello hello ");
    assert.equal(client.textOf(errors), "");
    client.transport.destroy();
  });

  it("takes hundreds of connections at once", async () => {
    const client = await begin();
    const opened: Awaited<ReturnType<typeof open>>[] = [];
    for (let index = 0; index < 300; index++) opened.push(await open(client, port, String(index)));
    for (const [index, { data }] of opened.entries()) client.send(data, `<${index}>`, true);
    await client.until(() =>
      opened.every(({ data, errors }) => client.isEnded(data) && client.isEnded(errors)),
    );
    for (const [index, { data }] of opened.entries())
      assert.equal(client.textOf(data), `<${index}>`.repeat(2));
    client.transport.destroy();
  });

  it("on which nobody listens says so, and the others go on", async () => {
    const closed = createTcpServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const dead = portOf(closed);
    closed.close();
    await once(closed, "close");
    const client = await begin();
    const failed = await open(client, dead, "0");
    await client.until(() => client.isEnded(failed.errors));
    assert.equal(
      client.textOf(failed.errors),
      `error forwarding port ${dead} to pod web, uid u-1: failed to execute portforward: ` +
        `dial tcp4 127.0.0.1:${dead}: connect: connection refused`,
    );
    const { data } = await open(client, port, "1");
    client.send(data, "x", true);
    await client.until(() => client.isEnded(data));
    assert.equal(client.textOf(data), "xx");
    client.transport.destroy();
  });

  it("without its stream for errors is refused", async () => {
    const client = await begin();
    const id = await client.open({ streamtype: "data", port: String(port), requestid: "9" });
    await client.until(() => client.controls(control.rstStream).length > 0);
    assert.equal(client.controls(control.rstStream)[0]?.readUInt32BE(0), id);
    client.transport.destroy();
  });
});
