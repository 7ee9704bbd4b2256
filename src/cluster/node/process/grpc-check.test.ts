import assert from "node:assert/strict";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, describe, it } from "node:test";
import { SystemClock } from "../../../time/system-clock.ts";
import { checkGrpc } from "./grpc-check.ts";

let server: Http2Server;

async function answering(answer: (stream: ServerHttp2Stream, asked: Buffer) => void) {
  server = createServer();
  server.on("stream", async (stream: ServerHttp2Stream) => {
    const pieces: Buffer[] = [];
    for await (const piece of stream) pieces.push(piece as Buffer);
    answer(stream, Buffer.concat(pieces));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { host: "127.0.0.1", port };
}

function reply(stream: ServerHttp2Stream, status: string, message?: readonly number[]): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status }));
  stream.end(message === undefined ? undefined : Buffer.from([0, 0, 0, 0, message.length, ...message]));
}

describe("a gRPC probe", () => {
  afterEach(() => server.close());

  it("is passed by a server that serves, which is asked for the service by name", async () => {
    const asked: Buffer[] = [];
    const place = await answering((stream, request) => {
      asked.push(request);
      reply(stream, "0", [0x08, 1]);
    });
    assert.deepEqual(await checkGrpc(new SystemClock(), place, "web", 5), { healthy: true });
    assert.deepEqual(await checkGrpc(new SystemClock(), place, "", 5), { healthy: true });
    assert.deepEqual(
      asked.map((request) => [...request]),
      [
        [0, 0, 0, 0, 5, 0x0a, 3, ...Buffer.from("web")],
        [0, 0, 0, 0, 0],
      ],
    );
  });

  for (const [what, status, message, told] of [
    ["does not serve", "0", [0x08, 2], 'service unhealthy (responded with "NOT_SERVING")'],
    ["does not know", "0", [], 'service unhealthy (responded with "UNKNOWN")'],
    [
      "has no health service",
      "12",
      undefined,
      "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)",
    ],
    ["fails", "13", undefined, "error: health rpc failed: rpc error: code = 13"],
  ] as const) {
    it(`fails at a server that ${what}`, async () => {
      const place = await answering((stream) => reply(stream, status, message));
      assert.deepEqual(await checkGrpc(new SystemClock(), place, "", 5), { healthy: false, message: told });
    });
  }

  it("fails where nobody listens, and where nobody answers in time", async () => {
    const place = await answering(() => {});
    const late = await checkGrpc(new SystemClock(), place, "", 0.2);
    assert.match(late.healthy ? "" : late.message, /^timeout: failed to connect service .* within 0\.2s/);
    const closed = await checkGrpc(new SystemClock(), { host: "127.0.0.1", port: 1 }, "", 5);
    assert.match(
      closed.healthy ? "" : closed.message,
      /^error: failed to connect service at "127\.0\.0\.1:1"/,
    );
  });
});
