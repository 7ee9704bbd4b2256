import type { Socket } from "node:net";
import { type Clock, later } from "../../time/clock.ts";

const longestWaitSeconds = 10;

/** Collects what a socket receives and lets a test wait for it. */
export class RawClient {
  readonly socket: Socket;
  readonly #clock: Clock | undefined;
  received = "";
  isEnded = false;
  isClosed = false;
  error: Error | undefined;
  #wake: () => void = () => {};

  /** With a clock it waits no longer than ten seconds for anything. */
  constructor(socket: Socket, clock?: Clock) {
    this.socket = socket;
    this.#clock = clock;
    socket.on("data", (bytes) => {
      this.received += bytes.toString("latin1");
      this.#wake();
    });
    socket.on("end", () => {
      this.isEnded = true;
      this.#wake();
    });
    socket.on("error", (error) => {
      this.error = error;
    });
    socket.on("close", () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  send(bytes: string): this {
    this.socket.write(bytes, "latin1");
    return this;
  }

  /** Waits until what was received matches. */
  async sees(pattern: RegExp): Promise<void> {
    await this.#until(() => pattern.test(this.received));
  }

  /** Waits until the other side sends no more. */
  async ends(): Promise<void> {
    await this.#until(() => this.isEnded || this.isClosed);
  }

  async #until(condition: () => boolean): Promise<void> {
    let isLate = false;
    const clock = this.#clock;
    const cancel = clock?.at(later(clock.now(), longestWaitSeconds), () => {
      isLate = true;
      this.#wake();
    });
    while (!condition()) {
      if (this.isClosed || isLate) {
        const problem = this.isClosed ? `closed (${this.error?.message})` : "nothing more came";
        throw new Error(`${problem} after ${JSON.stringify(this.received)}`);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    cancel?.();
  }
}
