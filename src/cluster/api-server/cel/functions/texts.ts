import type { Environment } from "@marcbachmann/cel-js";
import { patternOf } from "../../type/pattern.ts";

/** The name under which `matches` is called: the library's own takes patterns that could run for years. */
export const matchesFunction = "MATCHES";

function compiled(pattern: string): RegExp {
  const found = patternOf(pattern);
  if (found === undefined) throw new Error(`error parsing regexp: ${pattern}`);
  return found;
}

/** https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-regex-library, and what the library lacks of CEL's own texts */
export function registerTexts(environment: Environment): void {
  const matches = (text: string, pattern: string): boolean => compiled(pattern).test(text);
  environment
    .registerFunction(`string.${matchesFunction}(string): bool`, matches)
    .registerFunction(`${matchesFunction}(string, string): bool`, matches)
    .registerFunction("string.find(string): string", (text: string, pattern: string) => {
      return compiled(pattern).exec(text)?.[0] ?? "";
    })
    .registerFunction("string.findAll(string): list<string>", (text: string, pattern: string) => {
      return findAll(text, pattern, -1n);
    })
    .registerFunction("string.findAll(string, int): list<string>", findAll)
    .registerFunction("string.replace(string, string): string", (text: string, old: string, by: string) =>
      text.replaceAll(old, () => by),
    )
    .registerFunction("string.replace(string, string, int): string", replaceSome)
    .registerFunction("string.charAt(int): string", (text: string, index: bigint) => {
      const characters = Array.from(text);
      const at = Number(index);
      if (at < 0 || at > characters.length) throw new Error(`index out of range: ${index}`);
      return characters[at] ?? "";
    })
    .registerFunction("string.reverse(): string", (text: string) => Array.from(text).reverse().join(""))
    .registerFunction("string.format(list<dyn>): string", formatted)
    .registerFunction("string(google.protobuf.Timestamp): string", (time: Date) =>
      time.toISOString().replace(".000Z", "Z"),
    )
    .registerFunction("string(google.protobuf.Duration): string", String);
}

function findAll(text: string, pattern: string, most: bigint): string[] {
  const { source, flags } = compiled(pattern);
  const found = Array.from(text.matchAll(new RegExp(source, `${flags}g`)), ([whole]) => whole);
  return most < 0n ? found : found.slice(0, Number(most));
}

function replaceSome(text: string, old: string, by: string, most: bigint): string {
  if (most < 0n) return text.replaceAll(old, () => by);
  let left = most;
  return text.replaceAll(old, (found) => {
    left -= 1n;
    return left >= 0n ? by : found;
  });
}

function formatted(format: string, values: readonly unknown[]): string {
  let index = 0;
  return format.replaceAll(/%%|%(?:\.(\d+))?([a-zA-Z])/g, (clause, precision?: string, verb?: string) => {
    if (clause === "%%") return "%";
    if (index >= values.length) throw new Error(`index ${index} out of range`);
    const value = values[index];
    index += 1;
    return formattedValue(value, verb ?? "", precision);
  });
}

function formattedValue(value: unknown, verb: string, precision: string | undefined): string {
  const isNumber = typeof value === "bigint" || typeof value === "number";
  if (verb === "s") return textOfValue(value);
  if (verb === "d" && isNumber) return String(value);
  if (verb === "f" && isNumber) return Number(value).toFixed(precision === undefined ? 6 : Number(precision));
  if (verb === "e" && isNumber) {
    const text = Number(value).toExponential(precision === undefined ? 6 : Number(precision));
    return text.replace(/e([+-])(\d)$/, "e$10$2");
  }
  if (verb === "b" && typeof value === "boolean") return value ? "1" : "0";
  const base = { b: 2, o: 8, x: 16, X: 16 }[verb];
  if (base !== undefined && typeof value === "bigint") {
    return verb === "X" ? value.toString(base).toUpperCase() : value.toString(base);
  }
  if (typeof value === "string" && (verb === "x" || verb === "X")) {
    const text = Buffer.from(value).toString("hex");
    return verb === "X" ? text.toUpperCase() : text;
  }
  throw new Error(`error during formatting: unrecognized formatting clause "${verb}"`);
}

function textOfValue(value: unknown): string {
  if (value instanceof Date) return value.toISOString().replace(".000Z", "Z");
  if (Array.isArray(value)) return `[${value.map(textOfValue).join(", ")}]`;
  if (value instanceof Map) {
    const pairs = [...value].map(([key, inner]) => `${textOfValue(key)}: ${textOfValue(inner)}`);
    return `{${pairs.sort().join(", ")}}`;
  }
  return String(value);
}
