import { type Command, globalFlags, type Verb } from "../command.ts";
import type { Flag, Flags } from "../flags.ts";
import { columns } from "./columns.ts";
import { plain } from "./paint.ts";

/** All commands with a line each. */
export function printHelp(commands: readonly Command[]): string {
  const shown = commands.filter(({ isHidden }) => isHidden !== true);
  const rows = shown.map(({ names, usage, summary }) => [`  teal ${names[0]} ${usage}`.trimEnd(), summary]);
  return [
    "Teal: blue-green delivery for Kubernetes.\n\n",
    columns(rows, 2, plain),
    "\nFlags of every command:\n",
    printFlags(globalFlags),
    '\n"teal COMMAND --help" says more. As a kubectl plugin: "kubectl teal COMMAND".\n',
  ].join("");
}

/** One command with its flags. */
export function printCommandHelp({ names, usage, summary }: Command, { flags }: Verb): string {
  const aliases = names.slice(1);
  return [
    `${summary}.\n\n  teal ${names[0]} ${usage}`.trimEnd(),
    "\n",
    ...(aliases.length === 0 ? [] : [`\nAlso: ${aliases.map((name) => `teal ${name}`).join(", ")}\n`]),
    ...(Object.keys(flags).length === 0 ? [] : ["\nFlags:\n", printFlags(flags)]),
    "\nFlags of every command:\n",
    printFlags(globalFlags),
  ].join("");
}

function printFlags(flags: Flags): string {
  return columns(
    Object.entries(flags).map(([name, flag]) => [flagText(name, flag), flag.help]),
    2,
    plain,
  );
}

function flagText(name: string, flag: Flag): string {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  const value = flag.takes === "nothing" ? (flag.initially === true ? "=false" : "") : ` ${flag.value}`;
  return `  ${short}--${name}${value}`;
}
