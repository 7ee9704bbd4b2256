import type { SendHandle } from "node:child_process";
import type { ListeningSocket, ListeningSockets } from "../network/listening-sockets.ts";
import { type FromPart, isToPart } from "./messages.ts";

/** The listening sockets of a part, held by its supervisor while the part has no process. */
export class SentSockets implements ListeningSockets {
  readonly #untaken = new Map<string, ListeningSocket>();
  readonly #held = new Set<string>();
  readonly #closing = new Map<string, (() => void)[]>();

  private constructor() {}

  /** Resolves when everything that the supervisor holds has come. Rejects when the supervisor is gone before. */
  static receive(): Promise<SentSockets> {
    const sockets = new SentSockets();
    return new Promise((resolve, reject) => {
      const gone = (): void => reject(new Error("there is no supervisor that holds the listening sockets"));
      process.once("disconnect", gone);
      if (!process.connected) gone();
      process.on("message", (message, handle) => {
        if (!isToPart(message)) return;
        if (message.is === "socket")
          sockets.#untaken.set(message.place, handle as unknown as ListeningSocket);
        else if (message.is === "socketClosed") sockets.#closed(message.place);
        else if (message.is === "sockets") {
          for (const place of message.places) sockets.#came(place);
          resolve(sockets);
        }
      });
    });
  }

  take(place: string): ListeningSocket | undefined {
    const socket = this.#untaken.get(place);
    this.#untaken.delete(place);
    return socket;
  }

  hold(place: string, socket: ListeningSocket): void {
    this.#held.add(place);
    tell({ is: "holdSocket", place }, socket);
  }

  close(place: string): void {
    if (!this.#held.delete(place)) return;
    this.#untaken.get(place)?.close();
    this.#untaken.delete(place);
    this.#closing.set(place, []);
    tell({ is: "closeSocket", place });
  }

  whenClosed(place: string, then: () => void): void {
    const waiting = this.#closing.get(place);
    if (waiting === undefined) then();
    else waiting.push(then);
  }

  closeUntaken(): void {
    for (const place of this.#untaken.keys()) this.close(place);
  }

  #came(place: string): void {
    this.#held.add(place);
    // One that got lost, as where this process may open no more files, would only be in the way.
    if (!this.#untaken.has(place)) this.close(place);
  }

  #closed(place: string): void {
    const waiting = this.#closing.get(place) ?? [];
    this.#closing.delete(place);
    for (const then of waiting) then();
  }
}

function tell(message: FromPart, socket?: ListeningSocket): void {
  // A supervisor that is just gone is noticed by `disconnect`.
  if (process.connected) process.send?.(message, socket as unknown as SendHandle, {}, () => undefined);
}
