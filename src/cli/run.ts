import { ImageError } from "../cluster/node/images/image-folder.ts";
import { ApiError } from "../kubernetes/errors.ts";
import { KubeconfigError } from "../kubernetes/kubeconfig-file.ts";
import type { Clock } from "../time/clock.ts";
import { type Cluster, type Command, type GlobalFlags, globalFlags } from "./command.ts";
import { CommandError, UsageError } from "./errors.ts";
import { type Flags, parseArguments } from "./flags.ts";
import { nearest } from "./nearest.ts";
import { printCommandHelp, printHelp } from "./print/help.ts";
import type { Terminal } from "./terminal.ts";

/** What commands run in. */
export interface World {
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** Finds the cluster that the flags mean. */
  readonly connect: (global: GlobalFlags) => Cluster;
}

/**
 * Runs the command that `argv` names and answers the exit code: 0 done, 1 refused or failed, 2 not understood. What is
 * expected to go wrong is told in one line; anything else is a bug and thrown.
 */
export async function run(
  argv: readonly string[],
  commands: readonly Command[],
  world: World,
): Promise<number> {
  const { terminal } = world;
  try {
    const { leading, words } = splitLeadingFlags(argv);
    if (words[0] === "help" || words[0] === undefined)
      return help(leading, words.slice(1), commands, terminal);
    const { command, rest } = find(words, commands);
    if (asksForHelp(rest)) {
      terminal.out(printCommandHelp(command));
      return 0;
    }
    return await command.run([...leading, ...rest], (global) => contextOf(world, global));
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.error(`Error: ${error.message}\n`);
      return 2;
    }
    if (isExpected(error)) {
      terminal.error(`Error: ${error.message}\n`);
      return 1;
    }
    throw error;
  }
}

function isExpected(error: unknown): error is Error {
  return [CommandError, ApiError, KubeconfigError, ImageError].some((kind) => error instanceof kind);
}

function contextOf({ terminal, clock, connect }: World, global: GlobalFlags) {
  let cluster: Cluster | undefined;
  return {
    terminal,
    clock,
    global,
    cluster(): Cluster {
      cluster ??= connect(global);
      return cluster;
    },
  };
}

function help(
  leading: readonly string[],
  words: readonly string[],
  commands: readonly Command[],
  terminal: Terminal,
): number {
  parseArguments(leading, globalFlags);
  terminal.out(words.length === 0 ? printHelp(commands) : printCommandHelp(find(words, commands).command));
  return 0;
}

function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return argv.slice(0, end < 0 ? undefined : end).some((word) => word === "--help" || word === "-h");
}

/** Global flags may stand before the command. */
function splitLeadingFlags(argv: readonly string[]): { leading: string[]; words: string[] } {
  const known: Flags = globalFlags;
  let at = 0;
  while (argv[at]?.startsWith("-") === true) {
    const token = argv[at] ?? "";
    const flag = Object.entries(known).find(
      ([name, { short }]) => token === `--${name}` || token === `-${short}`,
    )?.[1];
    at += flag !== undefined && flag.takes !== "nothing" ? 2 : 1;
  }
  return { leading: argv.slice(0, at), words: argv.slice(at) };
}

/** The command with the longest name that `words` begin with. */
function find(words: readonly string[], commands: readonly Command[]): { command: Command; rest: string[] } {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(" ");
    const command = commands.find(({ names }) => names.includes(name));
    if (command !== undefined) return { command, rest: words.slice(length) };
  }
  throw new UsageError(unknownCommand(words, commands));
}

function unknownCommand(words: readonly string[], commands: readonly Command[]): string {
  const [first = "", second] = words;
  const shown = commands.filter(({ hidden }) => !hidden).flatMap(({ names }) => names);
  const members = commands.map(({ names }) => names[0]).filter((name) => name.startsWith(`${first} `));
  if (members.length > 0 && (second === undefined || second.startsWith("-")))
    return `"${first}" alone is no command: ${members.map((name) => `teal ${name}`).join(", ")}`;
  const typed = members.length > 0 ? `${first} ${second}` : first;
  const near = nearest(typed, members.length > 0 ? members : shown) ?? onlyMember(members, second);
  return `unknown command "${typed}"${near === undefined ? "" : `, did you mean "${near}"?`}; "teal help" lists all`;
}

// Who leaves out the second word of a name that has no other means the one there is.
function onlyMember(members: readonly string[], argument: string | undefined): string | undefined {
  const [member] = members;
  return members.length === 1 && argument !== undefined ? `${member} ${argument}` : undefined;
}
