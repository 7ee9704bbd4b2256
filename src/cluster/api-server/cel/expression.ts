import { type ASTNode, type Environment, EvaluationError, ParseError, TypeError } from "@marcbachmann/cel-js";
import { kubernetesEnvironment } from "./environment.ts";
import { hasMacro } from "./functions/presence.ts";
import { matchesFunction } from "./functions/texts.ts";

/** An expression that was read and whose types fit. */
export interface Expression {
  /** Type of what it says: `bool`, `string`. */
  readonly type: string;
  /** Names of variables and fields that it mentions. */
  readonly names: ReadonlySet<string>;
  /** Throws `Unanswerable`. */
  evaluate(variables: Readonly<Record<string, unknown>>): unknown;
}

/** Text that is no expression. The message shows the place, as a real server does. */
export class Uncompilable extends Error {}

/** Why an expression has no value, in CEL's words: `no such key: name`. */
export class Unanswerable extends Error {}

/** Throws `Uncompilable`. */
export function compile(environment: Environment, source: string): Expression {
  try {
    const program = environment.parse(withOwnNames(source));
    const names = namesIn(program.ast);
    const { valid, error, type = "" } = program.check();
    if (!valid) throw error ?? new Error("no reason given");
    return { type, names, evaluate: (variables) => evaluate(program, variables) };
  } catch (error) {
    throw new Uncompilable(shown(error, source));
  }
}

function evaluate(program: (variables: object) => unknown, variables: object): unknown {
  try {
    return program(variables);
  } catch (error) {
    if (error instanceof EvaluationError) {
      throw new Unanswerable(error.summary.replace(/^No such key: index/, "index").replace(/^No/, "no"));
    }
    // Of our own functions: those of quantities, addresses and the like.
    // A range error is a time zone or a time that does not exist.
    if (error instanceof RangeError || (error instanceof Error && error.constructor === Error))
      throw new Unanswerable(error.message);
    throw error;
  }
}

/**
 * Functions of the library that cannot be replaced are called by the names of ours. These are as long, so that places stay.
 */
const ownNames: Readonly<Record<string, string>> = { has: hasMacro, matches: matchesFunction };

// Literals without an end reach to the end of the text, so that nothing is looked at twice however long it is.
const literalOrCall =
  /(?<![rRbB])[rRbB]*(?:"""[^]*?"""|'''[^]*?''')|[rR][bB]?(?:"[^"]*"?|'[^']*'?)|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|\b(has|matches)(?=\s*\()/g;

function withOwnNames(source: string): string {
  return source.replaceAll(literalOrCall, (found, name?: string) => ownNames[name ?? ""] ?? found);
}

function namesIn(root: ASTNode): Set<string> {
  const names = new Set<string>();
  const visit = (part: unknown): void => {
    if (Array.isArray(part)) for (const each of part) visit(each);
    if (typeof part !== "object" || part === null || !("op" in part)) return;
    const { op, args } = part as { op: string; args: unknown };
    if (op === "id") names.add(args as string);
    visit(args);
  };
  visit(root);
  return names;
}

function shown(error: unknown, source: string): string {
  const isKnown =
    error instanceof ParseError || error instanceof TypeError || error instanceof EvaluationError;
  if (!isKnown) return `ERROR: <input>:1:1: ${error instanceof Error ? error.message : String(error)}`;
  const { text, at } = described(error.code, error.summary, error.range?.start ?? 0, source);
  const before = source.slice(0, at).split("\n");
  const [line, column] = [before.length, (before.at(-1) ?? "").length];
  const lines = `\n | ${source.split("\n")[line - 1] ?? ""}\n | ${".".repeat(column)}^`;
  return `ERROR: <input>:${line}:${column + 1}: ${text}${lines}`;
}

/** The library's words as CEL's first implementation, which a real server uses, has them. */
function described(code: string, summary: string, at: number, source: string): { text: string; at: number } {
  const [, last = ""] = /: (.*)$/.exec(summary) ?? [];
  if (code === "no_such_key") return { text: `undefined field '${last}'`, at: at - 1 };
  if (code === "unknown_variable") return { text: `undeclared reference to '${last}' (in container '')`, at };
  const [, left, operator, right] = /^no such overload: (\S+) (\S+) (\S+)$/.exec(summary) ?? [];
  if (operator !== undefined) {
    const found = source.indexOf(operator, at);
    const text = `found no matching overload for '_${operator}_' applied to '(${left}, ${right})'`;
    return { text, at: Math.max(found, at) };
  }
  const [, receiver, name, given] =
    /^found no matching overload for '(?:(.+)\.)?(\w+)\((.*)\)'$/.exec(summary) ?? [];
  if (name !== undefined) {
    const called = name === matchesFunction ? "matches" : name;
    const opening = source.indexOf(`${called}(`, at) + called.length;
    const text = isFunction(name)
      ? `found no matching overload for '${called}' applied to '${receiver === undefined ? "" : `${receiver}.`}(${given})'`
      : `undeclared reference to '${called}' (in container '')`;
    return { text, at: Math.max(opening, at) };
  }
  if (code !== "unexpected_token") return { text: summary, at };
  const misses = summary.endsWith("EOF") && /[-+*/%<>=!&|?:]\s*$/.test(source);
  return { text: `Syntax error: ${misses ? operandMissing : summary}`, at };
}

const operandMissing =
  "mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', " +
  "NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

let functions: ReadonlySet<string> | undefined;

function isFunction(name: string): boolean {
  functions ??= new Set(kubernetesEnvironment.getDefinitions().functions.map((each) => each.name));
  return functions.has(name);
}
