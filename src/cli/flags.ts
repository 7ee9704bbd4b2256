import { isIPv4 } from "node:net";
import { type ParseArgsConfig, parseArgs } from "node:util";
import type { AuthorizationMode } from "../cluster/api-server/access/access.ts";
import type { SyncMode } from "../cluster/store/file-journal.ts";
import type { Addressing } from "../cluster/supervisor/part.ts";
import { addOns } from "../parts/bootstrap/add-ons.ts";
import { UsageError } from "./errors.ts";
import { nearest } from "./nearest.ts";

interface Described {
  /** One letter. */
  readonly short?: string;
  readonly help: string;
}

export interface Switch extends Described {
  readonly takes: "nothing";
  readonly initially?: boolean;
}

export interface TextFlag extends Described {
  readonly takes: "text";
  /** What stands for the value in the help: `DIR`. */
  readonly value: string;
  /** What is meant where no value follows. */
  readonly otherwise?: string;
}

/** May be given several times. */
export interface TextsFlag extends Described {
  readonly takes: "texts";
  readonly value: string;
}

export type Flag = Switch | TextFlag | TextsFlag;
/** By name, without the dashes. */
export type Flags = Readonly<Record<string, Flag>>;

type ValueOf<F extends Flag> = F extends Switch
  ? boolean
  : F extends TextsFlag
    ? readonly string[]
    : string | undefined;
export type FlagValues<F extends Flags> = { readonly [Name in keyof F]: ValueOf<F[Name]> };

export interface Arguments<F extends Flags> {
  readonly words: readonly string[];
  readonly flags: FlagValues<F>;
}

type Value = boolean | string | readonly string[] | undefined;

/**
 * Takes flags and words apart: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-wA`, `--switch=false`; everything
 * after `--` is words.
 */
export function parseArguments<F extends Flags>(argv: readonly string[], flags: F): Arguments<F> {
  const words: string[] = [];
  const values = new Map<string, Value>(Object.entries(flags).map(([name, flag]) => [name, initial(flag)]));
  for (const token of tokensOf(argv, flags)) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const flag = Object.hasOwn(flags, token.name) ? flags[token.name] : undefined;
    if (flag === undefined) throw new UsageError(unknownFlag(token.rawName, flags));
    values.set(token.name, read(flag, token, values.get(token.name)));
  }
  // The map has a value of the right type for every flag: `initial` and `read` saw to it.
  return { words, flags: Object.fromEntries(values) as FlagValues<F> };
}

/** Where in `argv` the first word stands that is no flag and belongs to none; at its end when there is none. */
export function firstWord(argv: readonly string[], flags: Flags): number {
  return tokensOf(argv, flags).find(({ kind }) => kind === "positional")?.index ?? argv.length;
}

// Not strict, for `--switch=false`, and because Teal's own messages name the nearest flag.
function tokensOf(argv: readonly string[], flags: Flags) {
  const options = Object.entries(flags).map(([name, { takes, short }]): [string, Option] => [
    name,
    { type: takes === "nothing" ? "boolean" : "string", ...(short === undefined ? {} : { short }) },
  ]);
  const args = withLongNames(argv, flags);
  return parseArgs({ args, options: Object.fromEntries(options), strict: false, tokens: true }).tokens;
}

type Option = NonNullable<ParseArgsConfig["options"]>[string];
type OptionToken = Extract<ReturnType<typeof tokensOf>[number], { kind: "option" }>;

/** `-n=value` is kubectl's; Node's parser knows `--namespace=value` only. */
function withLongNames(argv: readonly string[], flags: Flags): string[] {
  const end = argv.indexOf("--");
  return argv.map((text, at) => {
    const flag = text.startsWith("--") ? flags[text.slice(2)] : undefined;
    const isAlone = argv[at + 1]?.startsWith("-") ?? true;
    if (flag?.takes === "text" && flag.otherwise !== undefined && isAlone && (end < 0 || at < end))
      return `${text}=${flag.otherwise}`;
    const [, letter, value] = /^-(\w)(=.*)$/s.exec(text) ?? [];
    const name = Object.keys(flags).find((each) => letter !== undefined && flags[each]?.short === letter);
    return name === undefined || (end >= 0 && at > end) ? text : `--${name}${value}`;
  });
}

function initial(flag: Flag): Value {
  if (flag.takes === "nothing") return flag.initially ?? false;
  return flag.takes === "texts" ? [] : undefined;
}

function unknownFlag(typed: string, flags: Flags): string {
  const long = Object.keys(flags).map((name) => `--${name}`);
  const near = typed.startsWith("--") ? nearest(typed, long) : undefined;
  return `unknown flag: ${typed}${near === undefined ? "" : `, did you mean ${near}?`}`;
}

function read(flag: Flag, { rawName, value }: OptionToken, before: Value): Value {
  if (flag.takes === "nothing") return readSwitch(rawName, value);
  if (value === undefined) throw new UsageError(`flag needs a value: ${rawName} ${flag.value}`);
  // Mostly a variable of a script that is not set: `--data ""` would be this very folder.
  if (value === "") throw new UsageError(`${rawName}: must not be empty, but a ${flag.value}`);
  if (flag.takes === "text") return value;
  return [...(Array.isArray(before) ? before : []), value];
}

function readSwitch(rawName: string, value: string | undefined): boolean {
  if (value === undefined || value === "true") return true;
  if (value === "false") return false;
  throw new UsageError(`${rawName}: must be true or false, not "${value}"`);
}

/** One of `choices`; undefined when the flag was not given. */
export function oneOf<const T extends string>(
  name: string,
  text: string | undefined,
  choices: readonly T[],
): T | undefined {
  const found = choices.find((choice) => choice === text);
  if (text === undefined || found !== undefined) return found;
  const near = nearest(text, choices);
  const hint = near === undefined ? "" : `, did you mean ${near}?`;
  throw new UsageError(`--${name}: must be one of ${choices.join(", ")}, not "${text}"${hint}`);
}

/** A whole number that is not negative. */
export function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new UsageError(`--${name}: must be a whole number, not "${text}"`);
  return Number(text);
}

const unitSeconds: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** A duration such as `90s` or `1h30m`, in seconds; `0` is none. */
export function durationSeconds(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (text === "0") return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text)
    throw new UsageError(`--${name}: must be a duration such as 90s, 2m or 1h30m, not "${text}"`);
  return parts.reduce((sum, [, count, unit = "s"]) => sum + Number(count) * (unitSeconds[unit] ?? 0), 0);
}

/** When the API server forces writes onto the disk. */
/** An IPv4 address. */
export function addressOf(name: string, text: string | undefined): string | undefined {
  if (text === undefined || isIPv4(text)) return text;
  throw new UsageError(`--${name}: must be an IPv4 address of this machine, not "${text}"`);
}

/** Undefined where it is to be found out. */
export function addressingOf(text: string | undefined): Addressing | undefined {
  const asked = oneOf("addresses", text, ["auto", "own", "single"]);
  return asked === "auto" ? undefined : asked;
}

export function syncModeOf(text: string | undefined): SyncMode | undefined {
  return oneOf("sync", text, ["background", "always"]);
}

/** Who decides who may do what on the embedded cluster. */
export function authorizationModeOf(text: string | undefined): AuthorizationMode | undefined {
  return oneOf("authorization", text, ["everybody", "rbac"]);
}

/** `istio,gateway-api`. */
export function addOnsOf(text: string | undefined): readonly string[] {
  const names = text?.split(",").map((name) => name.trim()) ?? [];
  return [...new Set(names.flatMap((name) => oneOf("with", name, addOns) ?? []))];
}
