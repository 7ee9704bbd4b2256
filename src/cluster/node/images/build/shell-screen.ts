import { existsSync, lstatSync } from "node:fs";
import { join, posix } from "node:path";
import { isWithin } from "../root-folder.ts";

/** A line of a `RUN` as it is run here. */
export interface ScreenedLine {
  readonly text: string;
  /** What of it is left out, in words. */
  readonly remarks: readonly string[];
  /** Whether a Python environment of the image's own is at work, which knows where it installs to. */
  readonly usesOwnPython: boolean;
}

/** The line would do what is not done here; the message says what. */
export class NotRun extends Error {
  override readonly name = "NotRun";
}

const done = new Set(
  (
    "npm npx node yarn pnpm corepack-run python python3 pip pip3 pipenv poetry uv go cargo make cmake gcc cc g++ tsc ruby gem bundle " +
    "bundler perl php composer java javac mvn gradle deno bun echo printf cat true false : test [ cd pwd ls set export unset umask " +
    "env awk grep head tail sort uniq wc tr cut find xargs date basename dirname sleep exit sh bash . source command which type"
  ).split(" "),
);
// All paths of these are the image's, also ones that only the machine has.
const changesFiles = new Set(
  "sed mkdir touch rm rmdir cp mv ln chmod tee install tar unzip gzip gunzip truncate".split(" "),
);
const skipped: ReadonlyMap<string, string> = new Map([
  ...words(
    "apt-get apt apt-key apk yum dnf microdnf tdnf zypper pacman dpkg rpm add-apt-repository",
    "this machine's own programs are used, nothing is installed on it",
  ),
  ...words(
    "adduser addgroup useradd groupadd usermod userdel groupdel deluser delgroup passwd chpasswd su-exec gosu",
    "containers run as the user who runs Teal",
  ),
  ...words("chown chgrp setcap", "files belong to the user who runs Teal"),
  ...words(
    "ldconfig update-ca-certificates update-alternatives locale-gen dpkg-reconfigure corepack fc-cache setup_node",
    "it would change this machine",
  ),
]);
const keywords = new Set([
  "if",
  "then",
  "else",
  "elif",
  "fi",
  "for",
  "do",
  "done",
  "while",
  "until",
  "in",
  "!",
  "{",
  "}",
  "case",
  "esac",
]);
// Read where they are; everything else that is absolute is the image's.
const machines =
  /^\/(bin|sbin|lib|lib32|lib64|usr\/(bin|sbin|lib|lib32|lib64|share|include)|etc\/(ssl|passwd|group|hosts|resolv\.conf|os-release|localtime)|dev|proc|sys|nix|opt\/homebrew)(\/|$)/;

function words(names: string, why: string): readonly (readonly [string, string])[] {
  return names.split(" ").map((name) => [name, why] as const);
}

const hasCache = /^(npm|yarn|pnpm|pip3?)$/;
const cacheIsKept = "its cache is no part of the image";

interface Token {
  readonly is: "word" | "operator" | "space";
  readonly text: string;
}

/** Decides for every command of a shell line whether it is run here, and makes the image's paths of those it names. */
export class ShellScreen {
  readonly #root: string;
  /** Of the image, in the order of its `PATH`. */
  readonly #ownPrograms: readonly string[];
  readonly #workdir: string;

  constructor(root: string, imagePath: string, workdir: string) {
    this.#root = root;
    this.#workdir = workdir;
    this.#ownPrograms = imagePath.split(":").map((each) => join(root, each));
  }

  /** `expand` gives a variable's value, for the names of programs only. Throws `NotRun`. */
  screen(line: string, expand: (word: string) => string): ScreenedLine {
    const remarks = new Set<string>();
    const commands = splitCommands(tokensOf(line));
    let usesOwnPython = false;
    const text = commands
      .map((tokens) => {
        const list = tokens.filter(({ is }) => is === "word").map(({ text }) => text);
        const name = this.#commandOf(list, expand);
        if (name === undefined) return this.#rewrite(tokens, expand, false);
        const why =
          skipped.get(name) ?? (list.includes("cache") && hasCache.test(name) ? cacheIsKept : undefined);
        if (why !== undefined) {
          remarks.add(`"${name}" is left out: ${why}`);
          return " true ";
        }
        if (isPython(name) && this.#ownPrograms.some((folder) => existsSync(join(folder, "../pyvenv.cfg"))))
          usesOwnPython = true;
        if (name.includes("/") || list.some((each) => /\bactivate$/.test(each))) usesOwnPython = true;
        const runs = done.has(name) || changesFiles.has(name) || name.includes("/") || this.#isOwn(name);
        if (!runs)
          throw new NotRun(
            `"${name}" is not run here: Teal runs package managers of languages, the image's own programs and commands on files`,
          );
        return this.#rewrite(tokens, expand, changesFiles.has(name));
      })
      .join("");
    return { text, remarks: [...remarks], usesOwnPython };
  }

  /** The path below the root that an absolute path means. */
  path(path: string, isChanged: boolean): string {
    const inside = posix.normalize(path);
    if (/^\/(dev|proc|sys)\//.test(inside)) return path;
    const own = join(this.#root, inside);
    if (isChanged || lstatSync(own, { throwIfNoEntry: false }) !== undefined) return own;
    return machines.test(inside) && existsSync(inside) ? path : own;
  }

  /** The program of a simple command, by its last name for one of the machine's; undefined where there is none. */
  #commandOf(list: readonly string[], expand: (word: string) => string): string | undefined {
    const rest = [...list];
    while (rest[0] !== undefined && (/^[A-Za-z_]\w*=/.test(rest[0]) || keywords.has(rest[0]))) {
      // What follows are names and values, no command.
      if (rest[0] === "for" || rest[0] === "case") return undefined;
      rest.shift();
    }
    while (rest[0] === "exec" || rest[0] === "sudo" || rest[0] === "time") rest.shift();
    if (rest[0] === undefined) return undefined;
    const name = expand(unquoted(rest[0]));
    if (name === "env" && rest.length > 1) return this.#commandOf(rest.slice(1), expand) ?? name;
    if ((name === "sh" || name === "bash") && rest.includes("-c"))
      throw new NotRun(`"${name} -c" within a RUN is not run here: write the commands themselves`);
    if (!name.startsWith("/") || existsSync(join(this.#root, name))) return name;
    return posix.basename(name);
  }

  #leadsOut(path: string): boolean {
    if (!/(^|\/)\.\.(\/|$)/.test(path) || path.startsWith("/")) return false;
    return !isWithin(this.#root, join(this.#root, this.#workdir, path));
  }

  #isOwn(name: string): boolean {
    return this.#ownPrograms.some((folder) => existsSync(join(folder, name)));
  }

  #rewrite(tokens: readonly Token[], expand: (word: string) => string, isChanged: boolean): string {
    let isTarget = false;
    return tokens
      .map(({ is, text }) => {
        if (is === "space") return text;
        if (is === "operator") {
          isTarget = /[<>]/.test(text);
          return text;
        }
        const changed = isChanged || isTarget;
        isTarget = false;
        return this.#word(text, expand, changed);
      })
      .join("");
  }

  #word(text: string, expand: (word: string) => string, isChanged: boolean): string {
    const [, before = "", path = ""] =
      /^((?:--?[A-Za-z][\w-]*=|[A-Za-z_]\w*=)?["']?)((?:\/|\$\{?[A-Za-z_])[^]*)$/.exec(text) ?? [];
    if (this.#leadsOut(unquoted(text)))
      throw new NotRun(`${text} leads out of the working directory; write the path from /`);
    if (path === "" || text.includes("://")) return text;
    if (path.startsWith("/")) return before + this.path(path, isChanged);
    // A variable that holds a path.
    const [, variable = "", rest = ""] = /^(\$\{?[A-Za-z_]\w*\}?)([^]*)$/.exec(path) ?? [];
    const value = variable === "" ? "" : expand(variable);
    return value.startsWith("/") && !value.includes(":")
      ? before + this.path(`${value}`, isChanged) + rest
      : text;
  }
}

function isPython(name: string): boolean {
  return /^(pip|pip3|python|python3)$/.test(name);
}

function unquoted(word: string): string {
  return word.replaceAll(/["']/g, "");
}

function tokensOf(line: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < line.length) {
    const rest = line.slice(at, at + 4096);
    const space = /^(?:[ \t]|\\\n)+/.exec(rest)?.[0];
    const operator = /^(?:\d?>>?&?\d?|<<?<?|&&|\|\||;;?|[|&()\n])/.exec(rest)?.[0];
    if (space !== undefined) tokens.push({ is: "space", text: space });
    else if (operator !== undefined) tokens.push({ is: "operator", text: operator });
    else if (rest.startsWith("#") && tokens.at(-1)?.is !== "word") {
      const end = line.indexOf("\n", at);
      at = end < 0 ? line.length : end;
      continue;
    } else tokens.push({ is: "word", text: wordAt(line, at) });
    at += tokens.at(-1)?.text.length ?? 1;
  }
  return tokens;
}

function wordAt(line: string, start: number): string {
  let at = start;
  let quote = "";
  while (at < line.length) {
    const char = line[at] ?? "";
    if (quote !== "'" && (char === "`" || (char === "$" && line[at + 1] === "(")))
      throw new NotRun("the output of a command within a command ($(…) or `…`) is not run here");
    if (quote === "" && /[\s;|&()<>]/.test(char)) break;
    if (char === "\\" && quote !== "'") at += 1;
    else if (char === quote) quote = "";
    else if (quote === "" && (char === '"' || char === "'")) quote = char;
    at += 1;
  }
  return line.slice(start, Math.min(at, line.length));
}

/** Each with the operator in front of it. */
function splitCommands(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const commands: Token[][] = [[]];
  for (const token of tokens) {
    if (token.is === "operator" && !/[<>]/.test(token.text)) commands.push([token], []);
    else commands.at(-1)?.push(token);
  }
  return commands.filter((each) => each.length > 0);
}
