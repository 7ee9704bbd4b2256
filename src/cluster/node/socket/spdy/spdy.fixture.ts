import { type Duplex, duplexPair } from "node:stream";
import { constants, createDeflate, createInflate } from "node:zlib";
import { dictionary } from "./dictionary.ts";
import { control, controlFrame, dataHead, type Frame, FrameParser, numbers } from "./frames.ts";

/** The client's side of SPDY/3.1, as Kubernetes' clients speak it. */
export class SpdyClient {
  readonly transport: Duplex;
  /** What has come, in the order in which it came. */
  readonly frames: Frame[] = [];
  readonly #deflate = createDeflate({ dictionary, level: 9 });
  readonly #compressed: Buffer[] = [];
  #nextId = 1;
  #arrived: () => void = () => {};

  constructor(transport: Duplex) {
    this.transport = transport;
    const parser = new FrameParser();
    transport.on("error", () => {});
    transport.on("data", (bytes: Buffer) => {
      this.frames.push(...parser.push(bytes));
      this.#arrived();
    });
    transport.on("close", () => this.#arrived());
    this.#deflate.on("data", (piece: Buffer) => this.#compressed.push(piece));
  }

  /** Opens a stream with these headers. */
  async open(headers: Readonly<Record<string, string>>, isLast = false): Promise<number> {
    const id = this.#nextId;
    this.#nextId += 2;
    this.transport.write(await this.synStream(id, headers, isLast));
    return id;
  }

  async synStream(id: number, headers: Readonly<Record<string, string>>, isLast = false): Promise<Buffer> {
    const texts = Object.entries(headers).flatMap(([name, value]) =>
      [name, value].flatMap((text) => [numbers(Buffer.byteLength(text)), Buffer.from(text)]),
    );
    const block = Buffer.concat([numbers(Object.keys(headers).length), ...texts]);
    this.#compressed.length = 0;
    this.#deflate.write(block);
    await new Promise<void>((resolve) => this.#deflate.flush(constants.Z_SYNC_FLUSH, resolve));
    await new Promise((resolve) => setImmediate(resolve));
    const payload = Buffer.concat([numbers(id, 0), Buffer.alloc(2), ...this.#compressed]);
    const frame = controlFrame(control.synStream, payload);
    frame.writeUInt8(isLast ? 1 : 0, 4);
    return frame;
  }

  send(id: number, text: string | Buffer, isLast = false): void {
    const bytes = Buffer.from(text as string);
    this.transport.write(Buffer.concat([dataHead(id, bytes.length, isLast), bytes]));
  }

  /** What has come on a stream so far. */
  textOf(id: number): string {
    const bytes = this.frames.flatMap((frame) =>
      frame.is === "data" && frame.streamId === id ? [frame.bytes] : [],
    );
    return Buffer.concat(bytes).toString();
  }

  isEnded(id: number): boolean {
    return this.frames.some((frame) => frame.is === "data" && frame.streamId === id && frame.isLast);
  }

  /** The payloads of control frames of one kind. */
  controls(kind: number): Buffer[] {
    return this.frames.flatMap((frame) =>
      frame.is === "control" && frame.kind === kind ? [frame.payload] : [],
    );
  }

  /** Resolves as soon as what has come is enough. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }
}

/** Both ends of a connection: the client's, and the transport of the server. */
export function spdyPair(): { readonly client: SpdyClient; readonly transport: Duplex } {
  const [one, other] = duplexPair();
  return { client: new SpdyClient(one), transport: other };
}

/** Reads the header blocks of a server as one compressed text. Rejects when they are none. */
export async function inflated(blocks: readonly Buffer[]): Promise<Buffer> {
  const inflate = createInflate({ dictionary });
  const pieces: Buffer[] = [];
  inflate.on("data", (piece: Buffer) => pieces.push(piece));
  for (const block of blocks)
    await new Promise<void>((resolve, reject) => {
      inflate.once("error", reject);
      inflate.write(block, () => setImmediate(resolve));
    });
  return Buffer.concat(pieces);
}
