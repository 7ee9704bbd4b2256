import type { ServerResponse } from "node:http";
import type { Status } from "../../../api/core.ts";
import { ApiError } from "../../../kubernetes/errors.ts";
import type { WatchEvent, WatchSink } from "../../../kubernetes/transport.ts";
import type { Clock } from "../../../time/clock.ts";
import { Refusal } from "../refusal.ts";
import type { ObjectForm } from "./object-form.ts";

/**
 * A watcher that has this many bytes not yet taken off its connection is cut off: it can list and watch anew, while its
 * growing buffer would take the whole cluster down.
 */
export const unsentLimitBytes = 32 * 1024 * 1024;

/** Encodes each event once for all watchers that get it, which they do one right after the other. */
export class EventEncoder {
  readonly #lines = new Map<object, { readonly type: string; readonly line: Buffer }>();
  readonly #most = 32;

  encode(type: string, object: object): Buffer {
    const known = this.#lines.get(object);
    if (known?.type === type) return known.line;
    const line = Buffer.from(`${JSON.stringify({ type, object })}\n`);
    this.#lines.set(object, { type, line });
    const [oldest] = this.#lines.keys();
    if (oldest !== undefined && this.#lines.size > this.#most) this.#lines.delete(oldest);
    return line;
  }
}

/** Writes a watch's events to an HTTP response as they come, one JSON text a line. */
export class WatchStream implements WatchSink {
  readonly #response: ServerResponse;
  readonly #form: ObjectForm;
  readonly #encoder: EventEncoder;
  readonly #clock: Clock;
  readonly #refused: (refusal: Refusal) => void;
  #eventsSent = 0;

  /** `refused` is called when the watch was not accepted and the response is still to be written. */
  constructor(options: {
    readonly response: ServerResponse;
    readonly form: ObjectForm;
    readonly encoder: EventEncoder;
    readonly clock: Clock;
    readonly refused: (refusal: Refusal) => void;
  }) {
    this.#response = options.response;
    this.#form = options.form;
    this.#encoder = options.encoder;
    this.#clock = options.clock;
    this.#refused = options.refused;
  }

  opened(): void {
    this.#response.writeHead(200, {
      "Content-Type": "application/json",
      "Cache-Control": "no-cache, private",
    });
    this.#response.flushHeaders();
  }

  event(event: WatchEvent): void {
    this.#write(this.#lineOf(event));
  }

  ended(error?: Error): void {
    if (error !== undefined && !this.#response.headersSent) {
      this.#refused(refusalOf(error));
      return;
    }
    if (error !== undefined) this.#write(this.#encoder.encode("ERROR", refusalOf(error).status));
    this.#response.end();
  }

  #lineOf(event: WatchEvent): Buffer {
    if (event.type === "ERROR" || this.#form.isPlain) return this.#encoder.encode(event.type, event.object);
    const object = this.#form.applyToEvent(event.object, this.#eventsSent === 0, this.#clock.now());
    return Buffer.from(`${JSON.stringify({ type: event.type, object })}\n`);
  }

  #write(line: Buffer): void {
    if (this.#response.destroyed) return;
    this.#eventsSent += 1;
    this.#response.write(line);
    // Closing the response cancels the watch.
    if (this.#response.writableLength > unsentLimitBytes) this.#response.destroy();
  }
}

/** An error of the API server's as what it answers. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof ApiError && error.status !== undefined) return fromStatus(error.status, error.code);
  const why = error instanceof Error ? error.message : String(error);
  return new Refusal(500, "InternalError", `Internal error occurred: ${why}`, { causes: [{ message: why }] });
}

function fromStatus({ reason, message = "", details, metadata }: Status, code: number): Refusal {
  return new Refusal(code, reason, message, details, metadata);
}
