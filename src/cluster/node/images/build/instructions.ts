import { posix } from "node:path";
import { type ImageView, viewOf } from "../image-command.ts";
import type { RootFolder } from "../root-folder.ts";
import { copyInto, type Source, writeInto } from "./copy.ts";
import { execForm, type Instruction } from "./dockerfile.ts";
import { looksOf, type RunLayers } from "./run-layer.ts";
import { machinePath, runLine } from "./run-line.ts";
import { NotRun, ShellScreen } from "./shell-screen.ts";
import type { StageState } from "./stage.ts";
import { expandText, oneWord, wordsOf } from "./words.ts";

/** What the instructions of a stage work on. */
export interface Workshop {
  readonly state: StageState;
  readonly root: RootFolder;
  readonly context: Source;
  readonly escape: string;
  /** Where `COPY --from=…` copies from. Throws Error when there is no such stage or image. */
  readonly sourceOf: (name: string) => Promise<Source>;
  readonly layers: RunLayers;
  readonly usesLayers: boolean;
  readonly scratch: string;
  /** Given with `--build-arg`, or before the first `FROM`; undefined for what nobody gives. */
  readonly givenArgument: (name: string) => string | undefined;
  /** Says something about the line that is no error. */
  readonly remark: (text: string) => void;
  readonly output: (text: string) => void;
}

type Doing = (instruction: Instruction, shop: Workshop) => Promise<void> | void;

/** What each instruction but `FROM` does. Throws Error with what is wrong, in words. */
export const instructions: ReadonlyMap<string, Doing> = new Map<string, Doing>([
  ["RUN", run],
  ["COPY", copy],
  ["ADD", copy],
  [
    "ENV",
    (line, { state, escape }) => {
      for (const [name, value] of pairsOf(line.rest, state, escape)) state.env.set(name, value);
      state.mark("ENV", ...[...state.env].flat());
    },
  ],
  [
    "LABEL",
    (line, { state, escape }) => {
      for (const [name, value] of pairsOf(line.rest, state, escape)) state.labels[name] = value;
    },
  ],
  ["ARG", argument],
  [
    "WORKDIR",
    (line, { state, root, escape }) => {
      const path = oneWord(line.rest, (name) => state.lookup(name), escape);
      if (path === "") throw new Error("needs a path");
      state.workdir = posix.resolve("/", state.workdir, path);
      root.makeFolder(state.workdir);
      state.mark("WORKDIR", state.workdir);
    },
  ],
  ["CMD", (line, { state }) => void (state.command = commandIn(line, state))],
  [
    "ENTRYPOINT",
    (line, { state }) => {
      state.entrypoint = commandIn(line, state);
      // A command of the base image was meant for its own entrypoint.
      state.command = [];
    },
  ],
  [
    "EXPOSE",
    (line, { state, escape }) => {
      for (const port of wordsOf(line.rest, (name) => state.lookup(name), escape)) {
        if (!/^\d+(-\d+)?(\/(tcp|udp|sctp))?$/i.test(port)) throw new Error(`${port} is no port`);
        state.ports.add(port);
      }
    },
  ],
  [
    "STOPSIGNAL",
    (line, { state, escape, remark }) => {
      state.stopSignal = oneWord(line.rest, (name) => state.lookup(name), escape);
      if (!/^(SIG)?TERM$|^15$/.test(state.stopSignal))
        remark(`containers are asked to stop with SIGTERM, not with ${state.stopSignal}`);
    },
  ],
  [
    "SHELL",
    (line, { state }) => {
      const shell = execForm(line.rest);
      if (shell === undefined || !/(^|\/)(ba|a|da)?sh$/.test(shell[0] ?? ""))
        throw new Error('must be a list that starts with sh or bash: ["/bin/bash", "-c"]');
      state.shell = shell;
      state.mark("SHELL", ...shell);
    },
  ],
  ["USER", (_line, { remark }) => remark("containers run as the user who runs Teal")],
  [
    "VOLUME",
    (line, { state, root, escape, remark }) => {
      const paths = execForm(line.rest) ?? wordsOf(line.rest, (name) => state.lookup(name), escape);
      for (const path of paths) root.makeFolder(posix.resolve("/", path));
      remark("a folder of the image that its containers share; a volume of the pod gives each its own");
    },
  ],
  [
    "HEALTHCHECK",
    (_line, { remark }) => remark("Kubernetes does not know it: give the pod a readinessProbe"),
  ],
  ["MAINTAINER", (line, { state }) => void (state.labels["maintainer"] = line.rest)],
]);

function argument(line: Instruction, { state, escape, givenArgument }: Workshop): void {
  for (const word of wordsOf(line.rest, (name) => state.lookup(name), escape)) {
    const [, name = "", preset] = /^([^=]+)(?:=([^]*))?$/.exec(word) ?? [];
    if (!/^[A-Za-z_]\w*$/.test(name)) throw new Error(`${word} is no NAME or NAME=VALUE`);
    const value = givenArgument(name) ?? preset;
    if (value !== undefined) state.buildArguments.set(name, value);
  }
  state.mark("ARG", ...[...state.buildArguments].flat());
}

function pairsOf(rest: string, state: StageState, escape: string): readonly (readonly [string, string])[] {
  const lookup = (name: string): string | undefined => state.lookup(name);
  const [, single = "", value = ""] = /^([^\s="']+)\s+([^]+)$/.exec(rest) ?? [];
  if (single !== "") return [[single, oneWord(value, lookup, escape)]];
  const pairs = wordsOf(rest, lookup, escape).map((word) => {
    const at = word.indexOf("=");
    if (at < 1) throw new Error(`${word} is no NAME=VALUE`);
    return [word.slice(0, at), word.slice(at + 1)] as const;
  });
  if (pairs.length === 0) throw new Error("needs NAME=VALUE");
  return pairs;
}

function commandIn({ rest }: Instruction, { shell }: StageState): readonly string[] {
  return execForm(rest) ?? (rest === "" ? [] : [...shell, rest]);
}

const ignoredWithCopy = new Map([
  ["chown", "files belong to the user who runs Teal"],
  ["link", undefined],
]);

async function copy(line: Instruction, shop: Workshop): Promise<void> {
  const { state, root, escape, context, sourceOf, remark } = shop;
  const lookup = (name: string): string | undefined => state.lookup(name);
  for (const [flag] of line.flags) {
    if (flag === "from" || flag === "chmod") continue;
    if (!ignoredWithCopy.has(flag)) throw new Error(`--${flag} is not known here`);
    const why = ignoredWithCopy.get(flag);
    if (why !== undefined) remark(`--${flag} is left out: ${why}`);
  }
  const paths =
    execForm(line.rest)?.map((each) => oneWord(each, lookup, escape)) ?? wordsOf(line.rest, lookup, escape);
  if (paths.length < 2) throw new Error("needs a file and where to");
  const chmod = line.flags.get("chmod");
  if (chmod !== undefined && !/^[0-7]{3,4}$/.test(chmod))
    throw new Error(`--chmod must be such as 755, not ${chmod}`);
  const mode = chmod === undefined ? undefined : Number.parseInt(chmod, 8);
  if (line.heredocs.length > 0) {
    const target = posix.resolve("/", state.workdir, paths.at(-1) ?? "");
    for (const { name, expands, body } of line.heredocs) {
      const text = expands ? expandText(body, lookup) : body;
      const isFolder = (paths.at(-1) ?? "").endsWith("/");
      writeInto(root, isFolder ? posix.join(target, name) : target, text, mode);
      state.mark("COPY", name, text, target);
    }
    return;
  }
  const url = paths.find((each) => /^(https?|ftp|git):\/\/|^git@/.test(each));
  if (url !== undefined && line.keyword === "ADD")
    throw new Error(`nothing is fetched from ${url}: fetch it before the build, and COPY it`);
  const archive =
    line.keyword === "ADD"
      ? paths.slice(0, -1).find((each) => /\.(tar|tgz|tar\.(gz|bz2|xz|zst))$/.test(each))
      : undefined;
  if (archive !== undefined)
    throw new Error(`${archive} is not unpacked here: unpack it before the build, and COPY the folder`);
  const from = line.flags.get("from");
  const source = from === undefined ? context : await sourceOf(oneWord(from, lookup, escape));
  const digest = copyInto({ from: source, to: root, paths, workdir: state.workdir, mode });
  state.mark("COPY", digest, ...paths, chmod ?? "");
}

async function run(line: Instruction, shop: Workshop): Promise<void> {
  const { state, root, layers, usesLayers, scratch, remark, output } = shop;
  for (const [flag, value] of line.flags) {
    // A cache is the machine's anyway; secrets and other networks are not offered.
    if (flag === "mount" && value.includes("type=cache")) continue;
    throw new Error(`--${flag}=${value} is not known here`);
  }
  const imagePath = state.lookup("PATH") ?? "";
  const screen = new ShellScreen(root.path, imagePath, state.workdir);
  const exec = line.heredocs.length === 0 ? execForm(line.rest) : undefined;
  const text = line.heredocs.map(({ body }) => body).join("\n") || line.rest;
  const lookup = (name: string): string | undefined => state.lookup(name);
  const screened = screen.screen(exec === undefined ? text : exec.map(quoted).join(" "), (word) => {
    try {
      return oneWord(word, lookup);
    } catch (cause) {
      throw new NotRun(cause instanceof Error ? cause.message : String(cause), { cause });
    }
  });
  for (const each of screened.remarks) remark(each);
  state.mark("RUN", text, machinePath());
  const key = state.key;
  if (usesLayers && layers.apply(key, root.path)) {
    output("as in an earlier build\n");
    root.forget();
    return;
  }
  const before = looksOf(root.path);
  const shell = exec === undefined ? state.shell : ["/bin/sh", "-c"];
  const view = viewOf(
    { entrypoint: [], arguments: [], env: { PATH: imagePath }, workingDir: "/", root: root.path, facts: {} },
    machinePath(),
  );
  const command = [...view.command(shell), pythonIn(screened.text, view)];
  await runLine({
    command,
    root: root.path,
    folder: root.makeFolder(state.workdir),
    environment: state.environment,
    usesOwnPython: screened.usesOwnPython,
    scratch,
    output,
  });
  root.forget();
  layers.keep(key, root.path, before, root.path);
}

// Many machines have no program of the name `python`, which images of Python have.
function pythonIn(text: string, view: ImageView): string {
  const [python = "python"] = view.command(["python"]);
  return python === "python"
    ? text
    : `python() { ${python} "$@"; }; pip() { ${python} -m pip "$@"; }; ${text}`;
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
