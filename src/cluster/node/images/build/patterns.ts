/** Path patterns: `*`, `?`, `[a-z]`, and `**` for any number of folders where `deep` says so. */
export function patternOf(pattern: string, deep: boolean): RegExp {
  let source = "";
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] ?? "";
    if (deep && pattern.startsWith("**/", at)) {
      source += "(?:.*/)?";
      at += 2;
    } else if (deep && pattern.startsWith("**", at)) {
      source += ".*";
      at += 1;
    } else if (char === "*") source += "[^/]*";
    else if (char === "?") source += "[^/]";
    else if (char === "[") {
      const end = pattern.indexOf("]", at + 2);
      if (end < 0) throw new Error(`[ in ${pattern} has no ]`);
      const set = pattern.slice(at + 1, end).replaceAll("\\", "\\\\");
      source += `[${set.startsWith("!") ? `^${set.slice(1)}` : set}]`;
      at = end;
    } else if (char === "\\" && at + 1 < pattern.length) {
      at += 1;
      source += escaped(pattern[at] ?? "");
    } else source += escaped(char);
  }
  return new RegExp(`^${source}$`, "s");
}

export function isPattern(text: string): boolean {
  return /[*?[]/.test(text);
}

function escaped(char: string): string {
  return char.replace(/[.*+?^${}()|[\]\\/]/, "\\$&");
}

interface Rule {
  readonly keeps: boolean;
  readonly pattern: RegExp;
}

/** What a `.dockerignore` keeps out of a build: the last line that fits a path, or a folder above it, decides. */
export class Ignored {
  readonly #rules: readonly Rule[];
  /** Whether a file in an ignored folder may be wanted all the same. */
  readonly #mayKeep: boolean;

  constructor(text: string) {
    this.#rules = text.split(/\r?\n/).flatMap((line) => {
      const trimmed = line.startsWith("#") ? "" : line.trim();
      const keeps = trimmed.startsWith("!");
      const path = (keeps ? trimmed.slice(1).trim() : trimmed)
        .split("/")
        .filter((each) => each !== "" && each !== ".")
        .join("/");
      return path === "" ? [] : [{ keeps, pattern: patternOf(path, true) }];
    });
    this.#mayKeep = this.#rules.some(({ keeps }) => keeps);
  }

  /** Of a path relative to the context. */
  has(path: string): boolean {
    if (this.#rules.length === 0) return false;
    const above = path.split("/").map((_, index, all) => all.slice(0, index + 1).join("/"));
    let ignored = false;
    for (const { keeps, pattern } of this.#rules)
      if (ignored === keeps && above.some((each) => pattern.test(each))) ignored = !keeps;
    return ignored;
  }

  /** Whether nothing in an ignored folder can be wanted. */
  hasAllOf(folder: string): boolean {
    return !this.#mayKeep && this.has(folder);
  }
}
