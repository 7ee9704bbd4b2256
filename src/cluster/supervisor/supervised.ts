import type { FromPart } from "./messages.ts";
import { isToPart } from "./messages.ts";

/**
 * Why a part is to stop: `asked` by its supervisor, `abandoned` because the supervisor is gone, `terminated` by a signal to it
 * alone, after which the supervisor starts it again.
 */
export type StopReason = "asked" | "abandoned" | "terminated";

/** A part that is running, or on its way. */
export interface RunningPart {
  /** Resolves when the part does its work, with what others need to know of it. Rejects with the reason, for people. */
  readonly ready: Promise<Readonly<Record<string, string>>>;
  /** Ends everything in good order; may be called before `ready`. */
  stop(reason: StopReason): Promise<void>;
}

/** Runs one part of the cluster until its supervisor stops it or is gone. Answers the exit code. */
export async function runSupervised(part: RunningPart): Promise<number> {
  const stopping = stopRequest();
  const started = part.ready.then(
    (facts) => {
      tell({ is: "ready", facts });
      return undefined;
    },
    (error: unknown) => ({ failure: error instanceof Error ? error : new Error(String(error)) }),
  );
  const first = await Promise.race([stopping, started]);
  if (typeof first === "object") {
    console.error(first.failure.message);
    tell({ is: "failed", reason: first.failure.message });
    await part.stop("asked");
    release();
    return 1;
  }
  const reason = await stopping;
  await part.stop(reason);
  release();
  return 0;
}

function stopRequest(): Promise<StopReason> {
  return new Promise((resolve) => {
    process.on("message", (message) => {
      if (!isToPart(message)) return;
      if (message.is === "beat") tell({ is: "alive" });
      if (message.is === "stop") resolve("asked");
    });
    process.on("disconnect", () => resolve("abandoned"));
    process.on("SIGTERM", () => resolve("terminated"));
    // Ctrl-C and a closed terminal concern the supervisor, which then stops its parts in order.
    for (const signal of ["SIGINT", "SIGHUP"] as const)
      process.on(signal, () => process.send === undefined && resolve("terminated"));
    if (process.send !== undefined && !process.connected) resolve("abandoned");
  });
}

function tell(message: FromPart): void {
  // A supervisor that is just gone is noticed by `disconnect`.
  if (process.connected) process.send?.(message, undefined, {}, () => undefined);
}

function release(): void {
  if (process.connected) process.disconnect();
}
