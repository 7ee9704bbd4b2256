import { connect, type Socket } from "node:net";

/** Whoever a connection's events go to at the moment. */
export interface ConnectionOwner {
  /** A dialled connection stands. */
  connected(connection: Connection): void;
  /** `bytes` are valid only during this call: pass them on, or keep `connection.ownBytes(bytes)`. */
  received(connection: Connection, bytes: Buffer): void;
  /** All that was written is with the operating system, after `isFull` was true. */
  drained(connection: Connection): void;
  /** The other side sends no more; it may still read. */
  ended(connection: Connection): void;
  /** The connection is over; the last event. `error` is absent when it ended in good order. */
  closed(connection: Connection, error?: Error): void;
}

const readBufferBytes = 64 * 1024;

/** One TCP connection, of a client or to a pod. Its owner can change; its listeners are attached once. */
export class Connection {
  readonly #socket: Socket;
  #owner: ConnectionOwner;
  readonly #listeners: (() => void)[] = [];
  #error: Error | undefined;
  #isPaused = false;
  #readBuffer: Buffer | undefined;
  #readBufferIsLent = false;

  private constructor(owner: ConnectionOwner, makeSocket: (self: Connection) => Socket) {
    this.#owner = owner;
    this.#socket = makeSocket(this);
    this.#on("drain", () => this.#owner.drained(this));
    this.#on("end", () => this.#owner.ended(this));
    this.#on("error", (error: Error) => {
      this.#error = error;
    });
    this.#on("close", () => this.#owner.closed(this, this.#error));
  }

  /** Wraps a connection that a client has opened. */
  static accepted(socket: Socket, owner: ConnectionOwner): Connection {
    const connection = new Connection(owner, () => socket);
    connection.#on("data", (bytes: Buffer) => connection.#owner.received(connection, bytes));
    return connection;
  }

  #on<Arguments extends unknown[]>(event: string, listener: (...parameters: Arguments) => void): void {
    this.#socket.on(event, listener);
    this.#listeners.push(() => this.#socket.off(event, listener));
  }

  /** Gives the socket of a client away, which begins with `bytes` once more. No event comes from here any longer. */
  release(bytes: Buffer): Socket {
    for (const takeOff of this.#listeners.splice(0)) takeOff();
    this.#socket.pause();
    this.#socket.unshift(bytes);
    return this.#socket;
  }

  /** Opens a connection. It reads into one buffer again and again, which spares an allocation for each read. */
  static dial(host: string, port: number, owner: ConnectionOwner): Connection {
    return new Connection(owner, (self) => self.#dial(host, port));
  }

  #dial(host: string, port: number): Socket {
    const socket = connect({
      host,
      port,
      noDelay: true,
      allowHalfOpen: true,
      onread: {
        buffer: () => this.#nextReadBuffer(),
        callback: (length, buffer) => {
          this.#owner.received(this, (buffer as Buffer).subarray(0, length));
          return !this.#isPaused;
        },
      },
    });
    socket.on("connect", () => this.#owner.connected(this));
    return socket;
  }

  #nextReadBuffer(): Buffer {
    if (this.#readBuffer === undefined || this.#readBufferIsLent) {
      this.#readBuffer = Buffer.allocUnsafeSlow(readBufferBytes);
      this.#readBufferIsLent = false;
    }
    return this.#readBuffer;
  }

  /** The IP at the other end. */
  get address(): string {
    return this.#socket.remoteAddress ?? "";
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && !this.#socket.readableEnded;
  }

  get isConnecting(): boolean {
    return this.#socket.connecting;
  }

  /** More is waiting to be sent than should be; stop reading from where it comes. */
  get isFull(): boolean {
    return this.#socket.writableNeedDrain;
  }

  giveTo(owner: ConnectionOwner): void {
    this.#owner = owner;
  }

  /** Received bytes in a form that stays valid. */
  ownBytes(bytes: Buffer): Buffer {
    return this.#readBuffer === undefined ? bytes : Buffer.from(bytes);
  }

  /** Sends bytes that belong to the caller. */
  write(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  /** Sends bytes just received here to `target`; reads no more until `target` has drained if that is full. */
  passOn(bytes: Buffer, target: Connection): void {
    target.write(bytes);
    // What the operating system did not take at once is still read from our buffer later, so the next read needs another.
    if (target.#socket.writableLength > 0) this.#readBufferIsLent = true;
    if (target.isFull) this.pause();
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  /** Sends no more after what is already written. */
  end(): void {
    this.#socket.end();
  }

  /** Closes when what is already written has been sent, without waiting for the other side. */
  close(): void {
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Ends in a way that the other side cannot take for a complete answer. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }
}
