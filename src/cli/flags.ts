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

/** Takes flags and words apart: `--name value`, `--name=value`, `-n value`, `-nvalue`; everything after `--` is words. */
export function parseArguments<F extends Flags>(argv: readonly string[], flags: F): Arguments<F> {
  const words: string[] = [];
  const values = new Map<string, Value>(Object.entries(flags).map(([name, flag]) => [name, initial(flag)]));
  const rest = [...argv];
  for (let token = rest.shift(); token !== undefined; token = rest.shift()) {
    if (token === "--") {
      words.push(...rest.splice(0));
    } else if (token === "-" || !token.startsWith("-")) {
      words.push(token);
    } else {
      const { name, flag, attached } = find(token, flags);
      values.set(name, read(token, flag, attached, rest, values.get(name)));
    }
  }
  // The map has a value of the right type for every flag: `initial` and `read` saw to it.
  return { words, flags: Object.fromEntries(values) as FlagValues<F> };
}

function initial(flag: Flag): Value {
  if (flag.takes === "nothing") return flag.initially ?? false;
  return flag.takes === "texts" ? [] : undefined;
}

interface Found {
  readonly name: string;
  readonly flag: Flag;
  readonly attached: string | undefined;
}

function find(token: string, flags: Flags): Found {
  const found = token.startsWith("--") ? findLong(token, flags) : findShort(token, flags);
  if (found !== undefined) return found;
  const [typed = token] = token.split("=", 1);
  const near = nearest(
    typed,
    Object.keys(flags).map((name) => `--${name}`),
  );
  throw new UsageError(`unknown flag: ${typed}${near === undefined ? "" : `, did you mean ${near}?`}`);
}

function findLong(token: string, flags: Flags): Found | undefined {
  const at = token.indexOf("=");
  const name = token.slice(2, at < 0 ? undefined : at);
  const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
  return flag && { name, flag, attached: at < 0 ? undefined : token.slice(at + 1) };
}

function findShort(token: string, flags: Flags): Found | undefined {
  const entry = Object.entries(flags).find(([, { short }]) => short === token[1]);
  if (entry === undefined) return undefined;
  const [name, flag] = entry;
  if (token.length === 2) return { name, flag, attached: undefined };
  // `-wA` would be two switches at once; few enough to be written apart.
  if (flag.takes === "nothing" && token[2] !== "=") return undefined;
  return { name, flag, attached: token.slice(token[2] === "=" ? 3 : 2) };
}

function read(token: string, flag: Flag, attached: string | undefined, rest: string[], before: Value): Value {
  if (flag.takes === "nothing") return readSwitch(token, attached);
  const text = attached ?? rest.shift();
  if (text === undefined) throw new UsageError(`flag needs a value: ${token} ${flag.value}`);
  if (flag.takes === "text") return text;
  return [...(Array.isArray(before) ? before : []), text];
}

function readSwitch(token: string, attached: string | undefined): boolean {
  if (attached === undefined || attached === "true") return true;
  if (attached === "false") return false;
  throw new UsageError(`${token}: must be true or false`);
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
