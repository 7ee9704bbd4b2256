/** The bytes are no protobuf message, or not of the message they were read as. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}

/** How a value is written on the wire. */
export type WireType = "varint" | "fixed64" | "bytes" | "fixed32";

const wireTypes: Readonly<Record<number, WireType>> = { 0: "varint", 1: "fixed64", 2: "bytes", 5: "fixed32" };

const utf8 = new TextDecoder("utf-8", { fatal: true });
/** As protobuf's own libraries have it. */
const deepestMessage = 100;

/** Walks over the fields of one encoded protobuf message. */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #depth: number;
  #position = 0;

  constructor(bytes: Uint8Array, depth = 0) {
    if (depth > deepestMessage) throw new ProtobufError("messages are nested too deeply");
    this.#bytes = bytes;
    this.#depth = depth;
  }

  get atEnd(): boolean {
    return this.#position >= this.#bytes.length;
  }

  /** The next field's number and form; its value follows. */
  tag(): { readonly number: number; readonly wireType: WireType } {
    const tag = Number(this.unsigned());
    const wireType = wireTypes[tag & 7];
    if (wireType === undefined) throw new ProtobufError(`wire type ${tag & 7} is not in use`);
    return { number: tag >>> 3, wireType };
  }

  unsigned(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#position++];
      if (byte === undefined) throw new ProtobufError("the message ends inside a number");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new ProtobufError("a number is longer than 64 bits");
  }

  /** An `int32` or `int64`: both are written as 64-bit two's complement. */
  signed(): number {
    return Number(BigInt.asIntN(64, this.unsigned()));
  }

  double(): number {
    const at = this.#take(8);
    return new DataView(at.buffer, at.byteOffset, 8).getFloat64(0, true);
  }

  bytes(): Uint8Array {
    return this.#take(Number(this.unsigned()));
  }

  text(): string {
    try {
      return utf8.decode(this.bytes());
    } catch (error) {
      if (error instanceof TypeError) throw new ProtobufError("a text is no UTF-8", { cause: error });
      throw error;
    }
  }

  /** The message that is the field's value. */
  message(): WireReader {
    return new WireReader(this.bytes(), this.#depth + 1);
  }

  skip(wireType: WireType): void {
    if (wireType === "varint") this.unsigned();
    else if (wireType === "bytes") this.bytes();
    else this.#take(wireType === "fixed64" ? 8 : 4);
  }

  #take(length: number): Uint8Array {
    const end = this.#position + length;
    if (end > this.#bytes.length) throw new ProtobufError("the message ends inside a field");
    const taken = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return taken;
  }
}
