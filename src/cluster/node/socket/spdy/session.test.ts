import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { control, controlFrame, type Frame, FrameParser, numbers } from "./frames.ts";
import { SpdySession, type SpdyStream } from "./session.ts";
import { inflated, spdyPair } from "./spdy.fixture.ts";

function begin() {
  const { client, transport } = spdyPair();
  const streams: SpdyStream[] = [];
  const session = new SpdySession(transport, (stream) => streams.push(stream));
  const ended = session.run();
  return { client, transport, streams, session, ended };
}

describe("a SPDY connection", () => {
  it("answers each stream with a reply that a client can read", async () => {
    const { client, streams } = begin();
    const first = await client.open({ streamType: "error", port: "80" });
    const second = await client.open({ streamType: "data", port: "80" });
    await client.until(() => client.controls(control.synReply).length === 2);
    assert.deepEqual(
      streams.map(({ id, headers }) => [id, headers["streamtype"], headers["port"]]),
      [
        [first, "error", "80"],
        [second, "data", "80"],
      ],
    );
    const replies = client.controls(control.synReply);
    assert.deepEqual(
      replies.map((payload) => payload.readUInt32BE(0)),
      [first, second],
    );
    const blocks = await inflated(replies.map((payload) => payload.subarray(4)));
    assert.deepEqual(blocks, Buffer.alloc(8), "two blocks, of no headers each");
  });

  it("carries bytes both ways, and each side's end by itself", async () => {
    const { client, streams } = begin();
    const id = await client.open({ streamType: "data" });
    await client.until(() => streams.length === 1);
    const [stream] = streams;
    assert.ok(stream);
    client.send(id, "question", true);
    assert.equal(String(Buffer.concat(await stream.toArray())), "question");
    stream.end("x".repeat(200_000));
    await client.until(() => client.isEnded(id));
    assert.equal(client.textOf(id), "x".repeat(200_000));
  });

  it("understands what comes in pieces, however they are cut", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const { client, transport, streams } = begin();
      const frames = Buffer.concat([
        await client.synStream(1, { streamType: "data", port: String(seed) }),
        controlFrame(control.ping, numbers(7)),
        Buffer.from([0, 0, 0, 1, 0, 0, 0, 5, ...Buffer.from("first")]),
        await client.synStream(3, { streamType: "error", long: "y".repeat(300) }, true),
        Buffer.from([0, 0, 0, 1, 1, 0, 0, 6, ...Buffer.from("second")]),
      ]);
      let random = seed;
      for (let at = 0; at < frames.length; ) {
        random = (random * 48271) % 2147483647;
        const length = 1 + (random % 40);
        client.transport.write(frames.subarray(at, at + length));
        at += length;
      }
      await client.until(() => streams.length === 2 && client.controls(control.ping).length === 1);
      assert.equal(String(Buffer.concat((await streams[0]?.toArray()) ?? [])), "firstsecond");
      assert.equal(streams[1]?.headers["long"], "y".repeat(300));
      transport.destroy();
    }
  });

  it("answers a ping, and not the answer to one", async () => {
    const { client } = begin();
    client.transport.write(controlFrame(control.ping, numbers(4)));
    client.transport.write(controlFrame(control.ping, numbers(5)));
    await client.until(() => client.frames.length > 0);
    assert.deepEqual(client.frames, [
      { is: "control", kind: control.ping, isLast: false, payload: numbers(5) },
    ]);
  });

  const garbage: readonly (readonly [string, Buffer])[] = [
    ["a text", Buffer.from("\xffGET / HTTP/1.1\r\n\r\n", "latin1")],
    ["another version", Buffer.from([0x80, 2, 0, 1, 0, 0, 0, 0])],
    ["a control frame of 16 MB", Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff])],
    ["a stream without headers", controlFrame(control.synStream, numbers(1))],
    ["headers that are not compressed", controlFrame(control.synStream, Buffer.alloc(100, 1))],
    ["a ping of no number", controlFrame(control.ping, Buffer.alloc(1))],
  ];
  for (const [what, bytes] of garbage) {
    it(`ends with ${what}`, async () => {
      const { client, ended } = begin();
      client.transport.write(bytes);
      await ended;
    });
  }

  it("ends with headers that are small on the way and huge when they are read", async () => {
    const { client, ended } = begin();
    client.transport.write(await client.synStream(1, { long: "z".repeat(1_000_000) }));
    await ended;
  });

  it("refuses a stream whose number has been before, and goes on", async () => {
    const { client, streams } = begin();
    client.transport.write(await client.synStream(5, { streamType: "data" }));
    client.transport.write(await client.synStream(3, { streamType: "data" }));
    client.transport.write(await client.synStream(7, { streamType: "data" }));
    await client.until(() => client.controls(control.synReply).length === 2);
    assert.deepEqual(client.controls(control.rstStream), [numbers(3, 1)]);
    assert.deepEqual(
      streams.map(({ id }) => id),
      [5, 7],
    );
  });

  it("takes no more than a few megabytes for a reader that does not read", async () => {
    const { client, streams } = begin();
    const id = await client.open({ streamType: "data" });
    await client.until(() => streams.length === 1);
    const piece = Buffer.alloc(64 * 1024);
    let sent = 0;
    const isTaken = async (): Promise<boolean> => {
      client.send(id, piece);
      sent += piece.length;
      for (let turn = 0; turn < 50 && client.transport.writableLength > 0; turn++)
        await new Promise((resolve) => setImmediate(resolve));
      return client.transport.writableLength === 0;
    };
    while (await isTaken()) assert.ok(sent < 20_000_000, "it takes everything");
    assert.ok((streams[0]?.readableLength ?? 0) < 5_000_000);
    let read = 0;
    streams[0]?.on("data", (bytes: Buffer) => {
      read += bytes.length;
    });
    client.send(id, "", true);
    await once(streams[0] as SpdyStream, "end");
    assert.equal(read, sent);
  });

  it("that is gone takes its streams with it", async () => {
    const { client, streams, ended } = begin();
    await client.open({ streamType: "data" });
    await client.until(() => streams.length === 1);
    client.transport.destroy();
    await ended;
    assert.equal(streams[0]?.destroyed, true);
  });
});

describe("frames", () => {
  it("of random bytes are frames or refused, and no more is kept than came", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const parser = new FrameParser();
      let random = seed;
      const bytes = Buffer.from(
        Array.from({ length: 400 }, () => {
          random = (random * 48271) % 2147483647;
          return random % 256;
        }),
      );
      const frames: Frame[] = [];
      try {
        for (let at = 0; at < bytes.length; at += 7) frames.push(...parser.push(bytes.subarray(at, at + 7)));
      } catch (error) {
        assert.equal((error as Error).name, "SpdyError");
      }
      const length = frames.reduce(
        (sum, frame) => sum + (frame.is === "data" ? frame.bytes : frame.payload).length,
        0,
      );
      assert.ok(length <= bytes.length);
    }
  });
});
