/** What a part of the cluster tells its supervisor over the channel between them. */
export type FromPart =
  | { readonly is: "ready"; readonly facts: Readonly<Record<string, string>> }
  /** It cannot start; the reason is for people. It ends after this. */
  | { readonly is: "failed"; readonly reason: string };

/** What the supervisor tells a part. */
export type ToPart = { readonly is: "stop" };

export function isFromPart(message: unknown): message is FromPart {
  const { is } = (message ?? {}) as { is?: unknown };
  return is === "ready" || is === "failed";
}

export function isToPart(message: unknown): message is ToPart {
  return ((message ?? {}) as { is?: unknown }).is === "stop";
}
