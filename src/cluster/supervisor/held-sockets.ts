import type { ChildProcess, SendHandle } from "node:child_process";
import type { ListeningSocket } from "../network/listening-sockets.ts";
import type { FromPart, ToPart } from "./messages.ts";
import type { PartChannel } from "./part-process.ts";

/**
 * Holds a duplicate of each socket that a part listens on, and hands them to the part's next process. Nobody is accepted here:
 * who connects while the part has no process waits in the kernel's queue.
 */
export class HeldSockets implements PartChannel {
  readonly #sockets = new Map<string, ListeningSocket>();
  #child: ChildProcess | undefined;

  opened(child: ChildProcess): void {
    this.#child = child;
    for (const [place, socket] of this.#sockets) tell(child, { is: "socket", place }, socket);
    tell(child, { is: "sockets", places: [...this.#sockets.keys()] });
  }

  received(message: FromPart, handle: unknown, child: ChildProcess): void {
    const isCurrent = child === this.#child;
    if (message.is === "holdSocket" && isSocket(handle)) {
      // The last words of a process that has a successor already: that one was not told of this socket.
      if (isCurrent) this.#hold(message.place, handle);
      else handle.close();
    } else if (message.is === "closeSocket" && isCurrent) {
      this.#close(message.place);
      tell(child, { is: "socketClosed", place: message.place });
    }
  }

  /** Nobody listens any more. */
  closeAll(): void {
    for (const place of this.#sockets.keys()) this.#close(place);
  }

  #hold(place: string, socket: ListeningSocket): void {
    this.#close(place);
    this.#sockets.set(place, socket);
  }

  #close(place: string): void {
    this.#sockets.get(place)?.close();
    this.#sockets.delete(place);
  }
}

function isSocket(handle: unknown): handle is ListeningSocket {
  return typeof (handle as Partial<ListeningSocket> | undefined)?.close === "function";
}

function tell(child: ChildProcess, message: ToPart, socket?: ListeningSocket): void {
  // One that has just ended is noticed by its exit.
  if (child.connected) child.send(message, socket as unknown as SendHandle, {}, () => undefined);
}
