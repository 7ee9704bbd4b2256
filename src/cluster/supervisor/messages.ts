/** What a part of the cluster tells its supervisor over the channel between them. */
export type FromPart =
  | { readonly is: "ready"; readonly facts: Readonly<Record<string, string>> }
  /** It cannot start; the reason is for people. It ends after this. */
  | { readonly is: "failed"; readonly reason: string }
  /** The answer to `beat`. */
  | { readonly is: "alive" }
  /** A listening socket comes along, to be held for the next process of this part. */
  | { readonly is: "holdSocket"; readonly place: string }
  /** Nobody is to be held for at this address and port any more; `socketClosed` is the answer. */
  | { readonly is: "closeSocket"; readonly place: string };

/** What the supervisor tells a part. */
export type ToPart =
  | { readonly is: "stop" }
  /** A part that leaves many of these unanswered hangs. */
  | { readonly is: "beat" }
  /** A listening socket that is held comes along. */
  | { readonly is: "socket"; readonly place: string }
  /** All sockets that are held have been sent; comes once, first of all but `socket`, to a part that has any to do with them. */
  | { readonly is: "sockets"; readonly places: readonly string[] }
  | { readonly is: "socketClosed"; readonly place: string };

const fromPart = new Set(["ready", "failed", "alive", "holdSocket", "closeSocket"]);
const toPart = new Set(["stop", "beat", "socket", "sockets", "socketClosed"]);

export function isFromPart(message: unknown): message is FromPart {
  return fromPart.has(kindOf(message));
}

export function isToPart(message: unknown): message is ToPart {
  return toPart.has(kindOf(message));
}

function kindOf(message: unknown): string {
  return String(((message ?? {}) as { is?: unknown }).is);
}
