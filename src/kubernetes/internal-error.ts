/** Tells of a bug of ours where nobody waits for it, as a warning of the process with its stack; what was under way goes on. */
export function warnOfBug(bug: unknown): void {
  const text = bug instanceof Error ? bug.message : String(bug);
  const detail = bug instanceof Error ? bug.stack : undefined;
  process.emitWarning(`internal error: ${text}`, detail === undefined ? {} : { detail });
}
