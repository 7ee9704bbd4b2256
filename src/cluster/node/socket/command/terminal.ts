import { PassThrough, Writable } from "node:stream";
import type { IPty } from "@lydell/node-pty";
import type { ProcessPlan } from "../../process/container-process.ts";
import type { StartedCommand } from "./started-command.ts";

const firstSize = { cols: 80, rows: 24 };
// When a program has ended, what it wrote last must not wait for a slow client: the terminal is gone soon after.
const mostWaitingBytes = 1024 * 1024;

/** Starts a command in a terminal of its own. Rejects, in words for people, where there can be none. */
export async function startInTerminal(plan: ProcessPlan): Promise<StartedCommand> {
  const { spawn } = await loadTerminals();
  const [program = "", ...args] = plan.command;
  const environment = { TERM: "xterm", ...plan.environment };
  const terminal = spawn(program, args, {
    ...firstSize,
    name: environment.TERM,
    cwd: plan.folder,
    env: environment,
    // Bytes, however they are cut.
    encoding: null,
  });
  const output = new PassThrough({ highWaterMark: mostWaitingBytes });
  output.on("drain", () => terminal.resume());
  // The type knows texts only.
  terminal.onData((piece: string | Buffer) => {
    if (!output.write(piece)) terminal.pause();
  });
  const exitCode = new Promise<number>((resolve) => {
    terminal.onExit(({ exitCode: code, signal }) => {
      output.end();
      resolve(signal === undefined || signal === 0 ? code : 128 + signal);
    });
  });
  return {
    pid: terminal.pid,
    stdin: inputOf(terminal),
    outputs: [{ to: "stdout", from: output }],
    exitCode,
    resize: ({ columns, rows }) => {
      try {
        terminal.resize(columns, rows);
      } catch {
        // It has ended just now.
      }
    },
  };
}

const endOfInput = "\x04";

function inputOf(terminal: IPty): Writable {
  return new Writable({
    write(piece: Buffer, _encoding, done) {
      // It takes bytes as well; its type says texts.
      terminal.write(piece as unknown as string);
      done();
    },
    // A terminal has no end; who reads from it is told with the character that people type.
    final(done) {
      terminal.write(endOfInput);
      done();
    },
  });
}

async function loadTerminals() {
  try {
    return await import("@lydell/node-pty");
  } catch (cause) {
    throw new Error(
      `no terminal can be had here: @lydell/node-pty has no program for ${process.platform}-${process.arch}; leave out -t`,
      { cause },
    );
  }
}
