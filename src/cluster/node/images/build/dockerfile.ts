import { ImageError } from "../image-folder.ts";

/** A text that comes after an instruction: `<<EOF`. */
export interface Heredoc {
  readonly name: string;
  /** Whether variables in it are replaced: its mark has no quotes. */
  readonly expands: boolean;
  readonly body: string;
}

/** One instruction of a Dockerfile, with its continued lines joined. */
export interface Instruction {
  /** In capitals: `COPY`. */
  readonly keyword: string;
  /** Of its first line, from 1. */
  readonly line: number;
  /** `--from=x` in front of the rest. */
  readonly flags: ReadonlyMap<string, string>;
  readonly rest: string;
  readonly heredocs: readonly Heredoc[];
}

export interface Dockerfile {
  /** The character that continues a line and escapes: a backslash unless `# escape=` says otherwise. */
  readonly escape: string;
  readonly instructions: readonly Instruction[];
}

/** What is wrong with one line; `file:line: what`. */
export class DockerfileError extends ImageError {
  constructor(file: string, line: number, what: string, options?: ErrorOptions) {
    super(`${file}:${line}: ${what}`, options);
  }
}

const directive = /^#\s*([A-Za-z]+)\s*=\s*(.+?)\s*$/;
const heredocMark = /(?<!<)<<-?(["']?)([A-Za-z_][A-Za-z0-9_]*)\1/g;
const mayHaveHeredocs = new Set(["RUN", "COPY", "ADD"]);

/** Takes a Dockerfile apart, in one pass over its lines. Throws `DockerfileError` where there is no instruction. */
export function parseDockerfile(text: string, file: string): Dockerfile {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const escape = escapeOf(lines, file);
  const continued = escape === "`" ? /`[ \t]*$/ : /\\[ \t]*$/;
  const instructions: Instruction[] = [];
  for (let at = 0; at < lines.length; ) {
    const first = lines[at] ?? "";
    const line = at + 1;
    at += 1;
    if (isBlank(first) || isComment(first)) continue;
    const parts: string[] = [];
    let current = first;
    // Comments and empty lines between continued lines are no end of them.
    while (continued.test(current)) {
      parts.push(current.replace(continued, ""));
      while (at < lines.length && (isBlank(lines[at] ?? "") || isComment(lines[at] ?? ""))) at += 1;
      if (at >= lines.length) {
        current = "";
        break;
      }
      current = lines[at] ?? "";
      at += 1;
    }
    parts.push(current);
    const { keyword, rest, flags } = takeApart(parts.join("").trim(), line, file);
    const heredocs: Heredoc[] = [];
    if (mayHaveHeredocs.has(keyword)) {
      for (const [mark, quote, name = ""] of rest.matchAll(heredocMark)) {
        const body: string[] = [];
        const isEnd = (each: string): boolean =>
          (mark.startsWith("<<-") ? each.replace(/^\t+/, "") : each) === name;
        while (at < lines.length && !isEnd(lines[at] ?? "")) {
          body.push(mark.startsWith("<<-") ? (lines[at] ?? "").replace(/^\t+/, "") : (lines[at] ?? ""));
          at += 1;
        }
        if (at >= lines.length)
          throw new DockerfileError(file, line, `the text <<${name} has no end: a line "${name}"`);
        at += 1;
        heredocs.push({ name, expands: quote === "", body: body.map((each) => `${each}\n`).join("") });
      }
    }
    instructions.push({ keyword, line, flags, rest, heredocs });
  }
  return { escape, instructions };
}

function escapeOf(lines: readonly string[], file: string): string {
  for (const [index, line] of lines.entries()) {
    const [, name = "", value = ""] = directive.exec(line) ?? [];
    if (name === "") return "\\";
    if (name.toLowerCase() !== "escape") continue;
    if (value !== "\\" && value !== "`")
      throw new DockerfileError(file, index + 1, `escape must be \\ or \`, not ${JSON.stringify(value)}`);
    return value;
  }
  return "\\";
}

function takeApart(
  text: string,
  line: number,
  file: string,
): { readonly keyword: string; readonly rest: string; readonly flags: ReadonlyMap<string, string> } {
  const [, word = "", after = ""] = /^(\S+)\s*([^]*)$/.exec(text) ?? [];
  if (!/^[A-Za-z]+$/.test(word))
    throw new DockerfileError(file, line, `${JSON.stringify(word.slice(0, 40))} is no instruction`);
  const flags = new Map<string, string>();
  let rest = after;
  for (;;) {
    const [all, name = "", value = ""] = /^--([a-z][a-z-]*)(?:=(\S*))?(?:\s+|$)/.exec(rest) ?? [];
    if (all === undefined) break;
    flags.set(name, value);
    rest = rest.slice(all.length);
  }
  return { keyword: word.toUpperCase(), rest, flags };
}

/** The list of texts that the exec form `["a", "b"]` is; undefined for any other form. */
export function execForm(rest: string): readonly string[] | undefined {
  if (!rest.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(rest);
    return Array.isArray(value) && value.every((each) => typeof each === "string") ? value : undefined;
  } catch {
    return undefined;
  }
}

function isBlank(line: string): boolean {
  return line.trim() === "";
}

function isComment(line: string): boolean {
  return line.trimStart().startsWith("#");
}
