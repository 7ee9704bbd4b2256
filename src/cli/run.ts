import type { Clock } from "../time/clock.ts";
import { type Cluster, type Command, type Context, type GlobalFlags, globalFlags } from "./command.ts";
import { UsageError } from "./errors.ts";
import { firstWord, parseArguments } from "./flags.ts";
import { nearest } from "./nearest.ts";
import type { Terminal } from "./terminal.ts";

/** What commands run in. */
export interface World {
  /** In the order of the help. */
  readonly commands: readonly Command[];
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** Finds the cluster that the flags mean. */
  readonly connect: (global: GlobalFlags) => Promise<Cluster>;
}

/**
 * Runs the command that `argv` names and answers the exit code: 0 done, 1 refused or failed, 2 not understood. What is
 * expected to go wrong is told in one line; anything else is a bug and thrown.
 */
export async function run(argv: readonly string[], world: World): Promise<number> {
  const { terminal, commands } = world;
  try {
    const at = firstWord(argv, globalFlags);
    const [leading, words] = [argv.slice(0, at), argv.slice(at)];
    if (words[0] === "help" || words[0] === undefined) return await help(leading, words.slice(1), world);
    const { command, rest } = find(commands, words);
    if (asksForHelp(rest)) return await showHelp(command, terminal);
    return await execute(command, [...leading, ...rest], (global) => contextOf(world, global));
  } catch (error) {
    const code = error instanceof UsageError ? 2 : 1;
    const { isExpected } = await import("./expected-errors.ts");
    if (!(error instanceof UsageError) && !isExpected(error)) throw error;
    terminal.error(`Error: ${error.message}\n`);
    return code;
  }
}

/** Runs what `argv` names in a context of the caller's. Answers the exit code, and throws what goes wrong. */
export function runIn(context: Context, argv: readonly string[]): Promise<number> {
  const { command, rest } = find(context.commands, argv);
  return execute(command, rest, (global) => ({ ...context, global }));
}

async function execute(
  command: Command,
  argv: readonly string[],
  contextOf: (global: GlobalFlags) => Context,
): Promise<number> {
  const verb = await command.load();
  const parsed = parseArguments(argv, { ...globalFlags, ...verb.flags });
  const { least, most } = verb.words;
  if (parsed.words.length < least || parsed.words.length > most)
    throw new UsageError(`usage: teal ${command.names[0]} ${command.usage}`.trimEnd());
  return (await verb.run(parsed, contextOf(parsed.flags))) ?? 0;
}

function contextOf({ terminal, clock, commands, connect }: World, global: GlobalFlags): Context {
  let cluster: Promise<Cluster> | undefined;
  return {
    terminal,
    clock,
    commands,
    global,
    cluster(): Promise<Cluster> {
      cluster ??= connect(global);
      return cluster;
    },
  };
}

async function help(
  leading: readonly string[],
  words: readonly string[],
  { terminal, commands }: World,
): Promise<number> {
  parseArguments(leading, globalFlags);
  if (words.length > 0) return showHelp(find(commands, words).command, terminal);
  const { printHelp } = await import("./print/help.ts");
  terminal.out(printHelp(commands));
  return 0;
}

async function showHelp(command: Command, terminal: Terminal): Promise<number> {
  const { printCommandHelp } = await import("./print/help.ts");
  terminal.out(printCommandHelp(command, await command.load()));
  return 0;
}

function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return argv.slice(0, end < 0 ? undefined : end).some((word) => word === "--help" || word === "-h");
}

/** The command with the longest name that `words` begin with. */
function find(commands: readonly Command[], words: readonly string[]): { command: Command; rest: string[] } {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(" ");
    const command = commands.find(({ names }) => names.includes(name));
    if (command !== undefined) return { command, rest: words.slice(length) };
  }
  throw new UsageError(unknownCommand(commands, words));
}

function unknownCommand(commands: readonly Command[], words: readonly string[]): string {
  const [first = "", second] = words;
  const shown = commands.filter(({ isHidden }) => isHidden !== true).flatMap(({ names }) => names);
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
