import { closeSync, openSync, readSync, statSync } from "node:fs";
import type { Container } from "../../../api/core.ts";

// As the kubelet has them.
const longestMessageBytes = 4096;
const longestLogBytes = 2048;
const mostLogLines = 80;

/** What a container that has ended says of its end: what it wrote into its termination log, or after an error, if asked for, its last lines. */
export function terminationMessage(
  { terminationMessagePolicy }: Container,
  exitCode: number,
  paths: { readonly terminationLog: string; readonly log: string },
): string | undefined {
  const message = endOf(paths.terminationLog, longestMessageBytes);
  if (message !== "") return message;
  if (terminationMessagePolicy !== "FallbackToLogsOnError" || exitCode === 0) return undefined;
  const lines = endOf(paths.log, longestLogBytes).split(/(?<=\n)/);
  return lines.slice(-mostLogLines).join("") || undefined;
}

/** The last bytes of a file as text; empty when there is none. */
function endOf(path: string, bytes: number): string {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return "";
  const file = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(Math.min(size, bytes));
    const length = readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return buffer.subarray(0, length).toString();
  } finally {
    closeSync(file);
  }
}
