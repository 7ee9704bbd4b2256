import { Duplex } from "node:stream";
import { control, controlFrame, dataHead, type Frame, FrameParser, numbers, SpdyError } from "./frames.ts";
import { HeaderReader, type Headers, HeaderWriter } from "./headers.ts";

// SPDY as Kubernetes' clients speak it has no windows: one reader that is slow holds up the others when this much waits.
const mostWaitingBytes = 4 * 1024 * 1024;
const mostStreams = 4000;
const longestData = 64 * 1024;
const protocolError = 1;
const refusedStream = 3;
const cancelled = 5;
const streamIdMask = 0x7fffffff;

/** One stream that a client has opened: what it sends is read, what is written goes to it, `end` half-closes. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: Headers;
  readonly #session: SpdySession;

  constructor(id: number, headers: Headers, session: SpdySession) {
    super({ allowHalfOpen: true, readableHighWaterMark: 16 * 1024 });
    this.id = id;
    this.headers = headers;
    this.#session = session;
    // Without a listener an error would end the process; whoever uses the stream sees it closed.
    this.on("error", () => {});
  }

  override _read(): void {
    this.#session.readerGoesOn(this);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#session.sendData(this.id, chunk, false, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#session.sendData(this.id, Buffer.alloc(0), true, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#session.streamEnds(this, !this.writableFinished || !this.readableEnded);
    done(error);
  }
}

/** The server's side of a SPDY/3.1 connection, over whatever carries its bytes. */
export class SpdySession {
  readonly #transport: Duplex;
  readonly #accept: (stream: SpdyStream) => void;
  readonly #streams = new Map<number, SpdyStream>();
  /** Those whose reader does not keep up. */
  readonly #full = new Set<SpdyStream>();
  readonly #reader = new HeaderReader();
  readonly #writer = new HeaderWriter();
  #lastStreamId = 0;
  #goOn: () => void = () => {};

  /** `accept` is told of each stream that the client opens. */
  constructor(transport: Duplex, accept: (stream: SpdyStream) => void) {
    this.#transport = transport;
    this.#accept = accept;
    transport.on("error", () => transport.destroy());
  }

  /** Resolves when the connection has ended, whoever has ended it and why. */
  async run(): Promise<void> {
    const parser = new FrameParser();
    try {
      for await (const bytes of this.#transport)
        for (const frame of parser.push(bytes as Buffer)) await this.#take(frame);
    } catch (error) {
      if (error instanceof SpdyError)
        this.#send(controlFrame(control.goAway, numbers(this.#lastStreamId, 1)));
    } finally {
      this.#reader.close();
      this.#transport.destroy();
      for (const stream of this.#streams.values()) stream.destroy();
    }
  }

  /** Ends the connection in good order: what was written is sent. */
  end(): void {
    this.#transport.end();
  }

  readerGoesOn(stream: SpdyStream): void {
    if (this.#full.delete(stream)) this.#goOn();
  }

  sendData(streamId: number, bytes: Buffer, isLast: boolean, done: (error?: Error | null) => void): void {
    if (this.#transport.destroyed || this.#transport.writableEnded) {
      done(new Error("the connection is closed"));
      return;
    }
    if (bytes.length <= longestData) {
      this.#transport.write(dataHead(streamId, bytes.length, isLast));
      this.#transport.write(bytes, done);
      return;
    }
    this.sendData(streamId, bytes.subarray(0, longestData), false, (error) => {
      if (error) done(error);
      else this.sendData(streamId, bytes.subarray(longestData), isLast, done);
    });
  }

  streamEnds(stream: SpdyStream, isBroken: boolean): void {
    const { id } = stream;
    this.#full.delete(stream);
    if (!this.#streams.delete(id)) return;
    if (isBroken) this.#send(controlFrame(control.rstStream, numbers(id, cancelled)));
    this.#goOn();
  }

  async #take(frame: Frame): Promise<void> {
    if (frame.is === "data") return this.#takeData(frame);
    const { kind, payload, isLast } = frame;
    switch (kind) {
      case control.synStream:
        return this.#open(payload, isLast);
      case control.rstStream:
        this.#streams.get(numberAt(payload, 0) & streamIdMask)?.destroy();
        return;
      case control.ping:
        // Even numbers are answers to ours.
        if (numberAt(payload, 0) % 2 === 1) this.#send(controlFrame(control.ping, payload));
        return;
      case control.headers:
        // Read for what it does to the headers after it.
        await this.#reader.read(payload.subarray(4));
        return;
      default:
        return;
    }
  }

  async #takeData({ streamId, bytes, isLast }: Frame & { readonly is: "data" }): Promise<void> {
    const stream = this.#streams.get(streamId);
    if (stream === undefined || stream.readableEnded) return;
    if (bytes.length > 0 && !stream.push(bytes)) this.#full.add(stream);
    if (isLast) stream.push(null);
    while (this.#waitingBytes() > mostWaitingBytes && !this.#transport.destroyed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#goOn = resolve;
      this.#transport.once("close", resolve);
      await promise;
      this.#transport.removeListener("close", resolve);
      this.#goOn = () => {};
    }
  }

  async #open(payload: Buffer, isLast: boolean): Promise<void> {
    const id = numberAt(payload, 0) & streamIdMask;
    const headers = await this.#reader.read(payload.subarray(10));
    if (id <= this.#lastStreamId || id % 2 === 0) {
      this.#send(controlFrame(control.rstStream, numbers(id, protocolError)));
      return;
    }
    this.#lastStreamId = id;
    if (this.#streams.size >= mostStreams) {
      this.#send(controlFrame(control.rstStream, numbers(id, refusedStream)));
      return;
    }
    const stream = new SpdyStream(id, headers, this);
    this.#streams.set(id, stream);
    this.#send(controlFrame(control.synReply, Buffer.concat([numbers(id), this.#writer.emptyBlock()])));
    if (isLast) stream.push(null);
    this.#accept(stream);
  }

  #waitingBytes(): number {
    let sum = 0;
    for (const { readableLength } of this.#full) sum += readableLength;
    return sum;
  }

  #send(frame: Buffer): void {
    if (!this.#transport.destroyed && !this.#transport.writableEnded) this.#transport.write(frame);
  }
}

function numberAt(payload: Buffer, at: number): number {
  if (payload.length < at + 4) throw new SpdyError("a control frame is cut off");
  return payload.readUInt32BE(at);
}
