import type { ServerResponse } from "node:http";
import type { Status } from "../../../api/core.ts";
import { ApiError } from "../../../kubernetes/errors.ts";
import type { WatchEvent, WatchSink } from "../../../kubernetes/transport.ts";
import type { Clock } from "../../../time/clock.ts";
import { jsonOf } from "../../store/encoding.ts";
import { Refusal } from "../refusal.ts";
import type { ObjectForm } from "./object-form.ts";

/** What is handed to a connection at once: about as much as it buffers before it is full. */
const pieceLength = 64 * 1024;

/**
 * Writes a watch's events to an HTTP response as they come, one JSON text a line. While the connection is full, no more events
 * are taken, and of a large one only what has room is copied: a client that does not read costs a buffer's length.
 */
export class WatchStream implements WatchSink {
  readonly #response: ServerResponse;
  readonly #form: ObjectForm;
  readonly #clock: Clock;
  readonly #refused: (refusal: Refusal) => void;
  #eventsSent = 0;
  // Of the events that were taken, what is still to be written.
  #unsent: string[] = [];
  #resume: () => void = () => {};

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
    this.#response.on("drain", () => {
      this.#flush();
      if (!this.#isFull()) this.#resume();
    });
  }

  opened(): void {
    // A watch may be quiet, and its reader slow, for as long as they like.
    this.#response.socket?.setTimeout(0);
    this.#response.writeHead(200, {
      "Content-Type": "application/json",
      "Cache-Control": "no-cache, private",
    });
    this.#response.flushHeaders();
  }

  holds(resume: () => void): boolean {
    this.#resume = resume;
    return this.#isFull();
  }

  event(event: WatchEvent): void {
    this.#send(event.type, this.#textOf(event));
  }

  ended(error?: Error): void {
    if (error !== undefined && !this.#response.headersSent) {
      this.#refused(refusalOf(error));
      return;
    }
    if (error !== undefined) this.#send("ERROR", JSON.stringify(refusalOf(error).status));
    this.close();
  }

  /** Ends the response; in the middle of an event by breaking it off, so that no client takes half an event for all. */
  close(): void {
    if (this.#unsent.length === 0) this.#response.end();
    else this.#response.destroy();
    this.#unsent = [];
  }

  // Watchers that are up to date get the very objects that are stored: their text is made once for all, and for the journal.
  #textOf(event: WatchEvent): string {
    if (event.type === "ERROR" || this.#form.isPlain) return jsonOf(event.object);
    return JSON.stringify(this.#form.applyToEvent(event.object, this.#eventsSent === 0, this.#clock.now()));
  }

  #send(type: WatchEvent["type"], object: string): void {
    if (this.#response.destroyed) return;
    this.#eventsSent += 1;
    const [head, end] = [`{"type":"${type}","object":`, "}\n"];
    // The text of a large object is the same string for all watchers, and is not copied to be longer.
    if (object.length < pieceLength) this.#unsent.push(head + object + end);
    else this.#unsent.push(head, object, end);
    this.#flush();
  }

  #isFull(): boolean {
    return this.#unsent.length > 0 || this.#response.writableNeedDrain;
  }

  #flush(): void {
    while (!this.#response.writableNeedDrain && !this.#response.destroyed) {
      const text = this.#unsent.shift();
      if (text === undefined) return;
      const end = pieceEnd(text);
      if (end < text.length) this.#unsent.unshift(text.slice(end));
      this.#response.write(text.slice(0, end));
    }
  }
}

/** Where to cut a text: not between the two halves of a character, which would spoil both. */
function pieceEnd(text: string): number {
  const isHalf = (text.charCodeAt(pieceLength - 1) & 0xfc00) === 0xd800;
  return isHalf ? pieceLength + 1 : pieceLength;
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
