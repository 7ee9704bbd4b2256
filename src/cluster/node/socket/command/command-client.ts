import type { Readable } from "node:stream";

/** The size of a terminal. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** What a client asks of a command or a container's own program. */
export interface CommandOptions {
  readonly container: string;
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** How a command has ended, as `Status` says it. */
export interface CommandStatus {
  readonly metadata: object;
  readonly status: "Success" | "Failure";
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: { readonly causes: readonly { readonly reason?: string; readonly message: string }[] };
}

/** The other end of a command's streams, over whichever protocol. */
export interface CommandClient {
  /** What is typed; ends where the client ends it, and breaks off with the client. */
  readonly stdin: Readable;
  /** Aborts when the client has gone. */
  readonly gone: AbortSignal;
  /** Resolves when the client takes more, or has gone. */
  write(to: "stdout" | "stderr", bytes: Uint8Array): Promise<void>;
  /** `listener` is told each size of the client's terminal. */
  onResize(listener: (size: TerminalSize) => void): void;
  /** Says how it has ended, then closes. */
  finish(status: CommandStatus): Promise<void>;
}

export const success: CommandStatus = { metadata: {}, status: "Success" };

export function exitStatus(exitCode: number): CommandStatus {
  if (exitCode === 0) return success;
  return {
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
  };
}

/** For a command that has not begun. */
export function failure(why: string): CommandStatus {
  return {
    metadata: {},
    status: "Failure",
    message: `Internal error occurred: ${why}`,
    reason: "InternalError",
    details: { causes: [{ message: why }] },
    code: 500,
  };
}

/** Reads what a client sends when its terminal has another size: `{"Width":80,"Height":24}`. Undefined for what is none. */
export function terminalSizeIn(text: string): TerminalSize | undefined {
  try {
    const { Width, Height } = JSON.parse(text) as { readonly Width?: unknown; readonly Height?: unknown };
    const isSize = (value: unknown): value is number =>
      Number.isInteger(value) && Number(value) > 0 && Number(value) < 65536;
    return isSize(Width) && isSize(Height) ? { columns: Width, rows: Height } : undefined;
  } catch {
    return undefined;
  }
}
