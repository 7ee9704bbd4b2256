import type { Server } from "node:net";

/** A listening socket as it is passed between processes: nobody accepts on it before a server listens with it. */
export interface ListeningSocket {
  close(): void;
}

/** Where listening sockets outlive this process, so that who connects while it is gone waits for the next one. */
export interface ListeningSockets {
  /** The socket that an earlier process has left at `address:port`, to be listened with; its caller's from now on. */
  take(place: string): ListeningSocket | undefined;
  /** From now on the socket that listens at `place` outlives this process. */
  hold(place: string, socket: ListeningSocket): void;
  /** Whoever connects to `place` is to be refused from now on. */
  close(place: string): void;
  /** Calls back, at once where that is so already, when what was closed at `place` is gone, so that one can listen anew. */
  whenClosed(place: string, then: () => void): void;
  /** Closes all that nobody has taken. */
  closeUntaken(): void;
}

/** For a process that takes its sockets along when it ends. */
export const noSockets: ListeningSockets = {
  take: () => undefined,
  hold: () => undefined,
  close: () => undefined,
  whenClosed: (_place, then) => then(),
  closeUntaken: () => undefined,
};

/** The socket of a server that listens. Node offers no other way to pass one on without accepting on it at the other end. */
export function socketOf(server: Server): ListeningSocket | undefined {
  return (server as Server & { readonly _handle?: ListeningSocket | null })._handle ?? undefined;
}
