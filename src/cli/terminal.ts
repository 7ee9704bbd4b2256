import { fstatSync, writeSync } from "node:fs";
import type { Cancel } from "../time/clock.ts";

/** Where a command writes to and is read from. */
export interface Terminal {
  /** Writes `text` as it is. */
  out(text: string): void;
  /** Writes `text` to the stream for errors and progress. */
  error(text: string): void;
  /** From now on this process goes on when nobody reads what it writes, or that cannot be written. */
  outliveReaders(): void;
  /** All of standard input. */
  read(): Promise<string>;
  /** A person looks at the output, so it may be drawn over. */
  readonly interactive: boolean;
  readonly colours: boolean;
  /** Aborted when the person asks the command to stop. */
  readonly interrupted: AbortSignal;
}

/** Calls `stop` once the person asks the command to stop, at once if that has happened already. */
export function whenInterrupted({ interrupted }: Terminal, stop: () => void): Cancel {
  if (interrupted.aborted) stop();
  interrupted.addEventListener("abort", stop, { once: true });
  return () => interrupted.removeEventListener("abort", stop);
}

/** The terminal, pipe or file that this process was started on. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  let interrupted: AbortSignal | undefined;
  let outlivesReaders = false;
  // The reader of a pipe has seen enough: `teal get pods | head -1`.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (outlivesReaders || isGone(error)) return;
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
  // What cannot be told must not end what a cluster lives on: the log of a part may be on a full disk.
  stderr.on("error", () => {});
  const isFile = fstatSync(stderr.fd).isFile();
  return {
    out: (text) => void stdout.write(text),
    error: isFile ? (text) => writeIfPossible(stderr.fd, text) : (text) => void stderr.write(text),
    outliveReaders() {
      outlivesReaders = true;
    },
    async read() {
      const chunks: Buffer[] = [];
      for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
      return Buffer.concat(chunks).toString("utf8");
    },
    interactive: stdout.isTTY === true,
    colours: stdout.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb",
    // Commands that never look at it end at once, as any program does.
    get interrupted() {
      interrupted ??= abortedBySignal();
      return interrupted;
    },
  };
}

/**
 * Aborted by Ctrl-C, a request to end, or the end of the process that started this one with a channel. A second signal ends
 * the process in any case.
 */
function abortedBySignal(): AbortSignal {
  const interruption = new AbortController();
  for (const event of ["SIGINT", "SIGTERM", "SIGHUP", "disconnect"] as const)
    process.once(event, () => interruption.abort());
  return interruption.signal;
}

// Not through the stream, which would write nothing more after its first failure, when there is room again.
function writeIfPossible(file: number, text: string): void {
  try {
    writeSync(file, text);
  } catch {
    // Lost, as said above.
  }
}

// The terminal was closed. What is still to be done, such as stopping a cluster, is done unseen.
function isGone({ code }: NodeJS.ErrnoException): boolean {
  return code === "EIO";
}
