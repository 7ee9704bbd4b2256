/** The command line itself is wrong. Exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The command is right and cannot be done; the message says why and what can be done about it. Exit code 1. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}
