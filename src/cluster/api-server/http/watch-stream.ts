import type { ServerResponse } from "node:http";
import type { Status } from "../../../api/core.ts";
import { ApiError } from "../../../kubernetes/errors.ts";
import type { WatchEvent, WatchSink } from "../../../kubernetes/transport.ts";
import type { Clock } from "../../../time/clock.ts";
import { jsonOf } from "../../store/encoding.ts";
import { Refusal } from "../refusal.ts";
import type { ObjectForm } from "./object-form.ts";

/**
 * A watcher that has this many bytes not yet taken off its connection is cut off: it can list and watch anew, while its
 * growing buffer would take the whole cluster down.
 */
export const unsentLimitBytes = 32 * 1024 * 1024;

/** Writes a watch's events to an HTTP response as they come, one JSON text a line. */
export class WatchStream implements WatchSink {
  readonly #response: ServerResponse;
  readonly #form: ObjectForm;
  readonly #clock: Clock;
  readonly #refused: (refusal: Refusal) => void;
  #eventsSent = 0;

  /** `refused` is called when the watch was not accepted and the response is still to be written. */
  constructor(options: {
    readonly response: ServerResponse;
    readonly form: ObjectForm;
    readonly clock: Clock;
    readonly refused: (refusal: Refusal) => void;
  }) {
    this.#response = options.response;
    this.#form = options.form;
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
    this.#write(lineOf(event.type, this.#textOf(event)));
  }

  ended(error?: Error): void {
    if (error !== undefined && !this.#response.headersSent) {
      this.#refused(refusalOf(error));
      return;
    }
    if (error !== undefined) this.#write(lineOf("ERROR", JSON.stringify(refusalOf(error).status)));
    this.#response.end();
  }

  // Most watchers get the very objects that are stored: their text is made once for all, and for the journal.
  #textOf(event: WatchEvent): string {
    if (event.type === "ERROR" || this.#form.isPlain) return jsonOf(event.object);
    return JSON.stringify(this.#form.applyToEvent(event.object, this.#eventsSent === 0, this.#clock.now()));
  }

  #write(line: string): void {
    if (this.#response.destroyed) return;
    this.#eventsSent += 1;
    this.#response.write(line);
    // Closing the response cancels the watch.
    if (this.#response.writableLength > unsentLimitBytes) this.#response.destroy();
  }
}

function lineOf(type: WatchEvent["type"], object: string): string {
  return `{"type":"${type}","object":${object}}\n`;
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
