import { randomBytes } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { processIdentity } from "../../process/process-identity.ts";
import { descriptionFile, ImageError } from "../image-folder.ts";
import type { Image, ImageStore } from "../image-store.ts";
import { RootFolder } from "../root-folder.ts";
import { removeUnused } from "../unused-folders.ts";
import { baseImageOf, machineProgram } from "./base-images.ts";
import type { Source } from "./copy.ts";
import { DockerfileError, type Instruction, parseDockerfile } from "./dockerfile.ts";
import { instructions } from "./instructions.ts";
import { Ignored } from "./patterns.ts";
import { copyTree, looksOf, RunLayers } from "./run-layer.ts";
import { machinePath } from "./run-line.ts";
import { type StagePlan, StageState } from "./stage.ts";
import { wordsOf } from "./words.ts";

export interface BuildOptions {
  readonly images: ImageStore;
  /** Names that the image gets. */
  readonly names: readonly string[];
  readonly context: string;
  /** `Dockerfile` in the context when absent. */
  readonly file?: string | undefined;
  readonly buildArguments: ReadonlyMap<string, string>;
  readonly target?: string | undefined;
  /** False runs every line again. */
  readonly usesLayers: boolean;
  /** For the image's description. */
  readonly createdAt: string;
  /** One line for people: what is done, or what is left out. */
  readonly say: (line: string) => void;
  /** What the commands of the build write. */
  readonly output: (text: string) => void;
}

export interface BuiltImage extends Image {
  readonly id: string;
}

/**
 * Makes an image of a Dockerfile with the programs of this machine. The image is whole under its names, or they mean what they
 * meant before.
 * @throws ImageError that names the line, and the way out.
 */
export async function buildImage(options: BuildOptions): Promise<readonly BuiltImage[]> {
  return new Build(options).run();
}

class Build {
  readonly #options: BuildOptions;
  readonly #file: string;
  readonly #place: string;
  readonly #layers: RunLayers;
  readonly #stages = new Map<number, { readonly state: StageState; readonly folder: string }>();
  readonly #plans: StagePlan[] = [];
  readonly #global = new Map<string, string>();
  readonly #usedArguments = new Set<string>();
  readonly #said = new Set<string>();
  #escape = "\\";
  #context: Source | undefined;

  constructor(options: BuildOptions) {
    this.#options = options;
    this.#file = options.file ?? join(options.context, "Dockerfile");
    // Every stage is made where the image will be, because some tools write down where they are.
    this.#place = join(options.images.folder, "built", `${randomBytes(6).toString("hex")}-${process.pid}`);
    this.#layers = new RunLayers(options.images.folder);
  }

  async run(): Promise<readonly BuiltImage[]> {
    const { images } = this.#options;
    this.#read();
    const target = this.#target();
    removeAbandoned(join(images.folder, "built"));
    mkdirSync(this.#place, { recursive: true, mode: 0o700 });
    try {
      for (const plan of this.#needed(target)) await this.#stage(plan, plan === target);
      return await this.#finish(target);
    } catch (error) {
      rmSync(this.#place, { recursive: true, force: true });
      if (isDiskFull(error))
        throw new ImageError(`there is no room for the image in ${images.folder}: ${messageOf(error)}`, {
          cause: error,
        });
      throw error;
    }
  }

  #read(): void {
    const { context } = this.#options;
    const { escape, instructions: all } = parseDockerfile(readText(this.#file), basename(this.#file));
    this.#escape = escape;
    let stage:
      | { readonly plan: Omit<StagePlan, "instructions">; readonly instructions: Instruction[] }
      | undefined;
    const close = (): void =>
      void (stage && this.#plans.push({ ...stage.plan, instructions: stage.instructions }));
    for (const each of all) {
      if (each.keyword === "FROM") {
        close();
        stage = { plan: this.#from(each, this.#plans.length), instructions: [] };
      } else if (each.keyword !== "ARG" && !instructions.has(each.keyword)) throw this.#unknown(each);
      else if (stage !== undefined) stage.instructions.push(each);
      else if (each.keyword === "ARG") this.#globalArgument(each);
      else throw this.#at(each, "comes before the first FROM");
    }
    close();
    if (this.#plans.length === 0) throw new ImageError(`${this.#file} has no FROM`);
    const own = `${this.#file}.dockerignore`;
    const ignoreFile = existsSync(own) ? own : join(context, ".dockerignore");
    const ignored = new Ignored(existsSync(ignoreFile) ? readText(ignoreFile) : "");
    this.#context = { folder: resolve(context), ignored, linksAreMachines: false };
  }

  #unknown(line: Instruction): DockerfileError {
    const why =
      line.keyword === "ONBUILD"
        ? "is not offered: write what it would do into the Dockerfiles that start from this image"
        : `is no instruction; known are FROM, ${[...instructions.keys()].join(", ")}`;
    return this.#at(line, why);
  }

  #from(line: Instruction, index: number): Omit<StagePlan, "instructions"> {
    for (const [flag] of line.flags)
      if (flag !== "platform") throw this.#at(line, `--${flag} is not known here`);
    const words = this.#words(line, (name) => this.#global.get(name));
    const [base = "", as = "as", name] = words;
    if (base === "" || as.toLowerCase() !== "as" || (words.length !== 1 && words.length !== 3))
      throw this.#at(line, "must be FROM IMAGE, or FROM IMAGE AS NAME");
    if (name !== undefined && this.#plans.some((each) => each.name === name.toLowerCase()))
      throw this.#at(line, `there is a stage ${name} already`);
    return { index, name: name?.toLowerCase(), from: line, base };
  }

  #globalArgument(line: Instruction): void {
    for (const word of this.#words(line, (name) => this.#global.get(name))) {
      const [, name = "", preset] = /^([^=]+)(?:=([^]*))?$/.exec(word) ?? [];
      const value = this.#given(name) ?? preset;
      if (value !== undefined) this.#global.set(name, value);
    }
  }

  #words(line: Instruction, lookup: (name: string) => string | undefined): readonly string[] {
    try {
      return wordsOf(line.rest, lookup, this.#escape);
    } catch (error) {
      throw this.#at(line, messageOf(error), error);
    }
  }

  #given(name: string): string | undefined {
    const value = this.#options.buildArguments.get(name);
    if (value !== undefined) this.#usedArguments.add(name);
    return value;
  }

  #target(): StagePlan {
    const { target } = this.#options;
    const found = target === undefined ? this.#plans.at(-1) : this.#named(target);
    if (found !== undefined) return found;
    const names = this.#plans.flatMap(({ name }) => (name === undefined ? [] : [name]));
    throw new ImageError(
      `${this.#file} has no stage ${target}; it has: ${names.join(", ") || "none with a name"}`,
    );
  }

  #named(name: string): StagePlan | undefined {
    return (
      this.#plans.find((each) => each.name === name.toLowerCase()) ??
      (/^\d+$/.test(name) ? this.#plans[Number(name)] : undefined)
    );
  }

  /** The stages that `target` stands on, in order, and itself. */
  #needed(target: StagePlan): readonly StagePlan[] {
    const needed = new Set<StagePlan>();
    const add = (plan: StagePlan): void => {
      if (needed.has(plan)) return;
      needed.add(plan);
      const names = [plan.base, ...plan.instructions.flatMap(({ flags }) => flags.get("from") ?? [])];
      for (const name of names) {
        const earlier = this.#named(name);
        if (earlier !== undefined && earlier.index < plan.index) add(earlier);
      }
    };
    add(target);
    return this.#plans.filter((each) => needed.has(each));
  }

  async #stage(plan: StagePlan, isTarget: boolean): Promise<void> {
    const root = new RootFolder(join(this.#place, "root"));
    const state = await this.#begin(plan, root);
    for (const line of plan.instructions) {
      this.#options.say(`${plan.index + 1}: ${line.keyword} ${oneLine(line.rest)}`);
      await this.#do(line, root, state);
    }
    const folder = isTarget ? root.path : join(this.#place, `stage-${plan.index}`);
    if (!isTarget) renameSync(root.path, folder);
    this.#stages.set(plan.index, { state, folder });
  }

  async #begin({ from, base, index }: StagePlan, root: RootFolder): Promise<StageState> {
    this.#options.say(`${index + 1}: FROM ${base}`);
    const earlier = this.#named(base);
    const done =
      earlier === undefined || earlier.index >= index ? undefined : this.#stages.get(earlier.index);
    if (done !== undefined) {
      copyTree(done.folder, root.path);
      return StageState.after(done.state);
    }
    const known = baseImageOf(base);
    const isOwn = (await this.#options.images.list()).some(
      ({ name }) => name === this.#options.images.nameOf(base),
    );
    if (known !== undefined && !isOwn) {
      const program = machineProgram(known, base, machinePath());
      if (program === undefined)
        throw this.#at(
          from,
          `this machine has no ${known.language} (${known.programs.join(" or ")}), which ${base} stands for: install it`,
        );
      if (program.remark !== undefined) this.#remark(from, program.remark);
      return StageState.on(known, program.version);
    }
    if (!isOwn)
      throw this.#at(
        from,
        `${base} is neither an image of this cluster nor one that stands for programs of this machine (node, python, alpine, scratch …): ` +
          `give it to the cluster first, with teal image build or teal image add --tar`,
      );
    const image = await this.#options.images.resolve(base);
    if (image.root === undefined)
      throw this.#at(from, `${base} is a folder on this machine, on which no image can be built`);
    copyTree(image.root, root.path);
    return StageState.from(image);
  }

  async #do(line: Instruction, root: RootFolder, state: StageState): Promise<void> {
    const context = this.#context;
    const doing = instructions.get(line.keyword);
    if (context === undefined || doing === undefined) throw this.#unknown(line);
    try {
      await doing(line, {
        state,
        root,
        context,
        escape: this.#escape,
        sourceOf: (name) => this.#sourceOf(name),
        layers: this.#layers,
        usesLayers: this.#options.usesLayers,
        scratch: this.#place,
        givenArgument: (name) => this.#given(name) ?? this.#global.get(name) ?? platform[name],
        remark: (text) => this.#remark(line, text),
        output: this.#options.output,
      });
    } catch (error) {
      if (isDiskFull(error)) throw error;
      throw this.#at(line, messageOf(error), error);
    }
  }

  async #sourceOf(name: string): Promise<Source> {
    const plan = this.#named(name);
    const done = plan === undefined ? undefined : this.#stages.get(plan.index);
    if (done !== undefined) return { folder: done.folder, ignored: undefined, linksAreMachines: true };
    const image = await this.#options.images.resolve(name).catch((cause: unknown) => {
      throw new Error(`there is no earlier stage ${name}, and no image of this name on the cluster`, {
        cause,
      });
    });
    if (image.root === undefined)
      throw new Error(`${name} is a folder on this machine, from which nothing is copied`);
    return { folder: image.root, ignored: undefined, linksAreMachines: true };
  }

  async #finish(target: StagePlan): Promise<readonly BuiltImage[]> {
    const { images, names, createdAt, buildArguments, say } = this.#options;
    const done = this.#stages.get(target.index);
    if (done === undefined) throw new Error("the stage was not built");
    const { state } = done;
    for (const [name] of buildArguments)
      if (!this.#usedArguments.has(name)) say(`--build-arg ${name} is used by no ARG`);
    const command = [...state.entrypoint, ...state.command];
    if (command.length === 0) say("the image has no command: each container needs one");
    state.mark(
      "image",
      JSON.stringify([state.entrypoint, state.command, state.labels, [...state.ports], state.stopSignal]),
    );
    const id = `sha256:${state.key}`;
    for (const name of readdirSync(this.#place))
      if (name !== "root") rmSync(join(this.#place, name), { recursive: true });
    const root = join(this.#place, "root");
    const hasPython = existsSync(join(root, "usr/local/lib"));
    const description = {
      root: "root",
      entrypoint: state.entrypoint,
      command: state.command,
      env: {
        ...(hasPython ? { PYTHONUSERBASE: "/usr/local", PATH: state.lookup("PATH") } : {}),
        ...Object.fromEntries(state.env),
      },
      workingDir: state.workdir,
      facts: {
        origin: "built",
        id,
        created: createdAt,
        sizeBytes: sizeOf(root),
        labels: state.labels,
        ports: [...state.ports],
        ...(state.stopSignal === undefined ? {} : { stopSignal: state.stopSignal }),
      },
    };
    const draft = join(this.#place, `.${descriptionFile}`);
    writeFileSync(draft, `${JSON.stringify(description, null, 2)}\n`);
    renameSync(draft, join(this.#place, descriptionFile));
    this.#layers.limit();
    // What pods run already stays where it is.
    const same = (await images.contents()).find((each) => each.facts.id === id);
    if (same !== undefined) rmSync(this.#place, { recursive: true });
    const built: BuiltImage[] = [];
    for (const name of names) built.push({ ...(await images.add(name, same?.folder ?? this.#place)), id });
    await removeUnused(images);
    return built;
  }

  #remark(line: Instruction, text: string): void {
    const said = `${basename(this.#file)}:${line.line}: ${line.keyword}: ${text}`;
    if (this.#said.has(said)) return;
    this.#said.add(said);
    this.#options.say(said);
  }

  #at(line: Instruction, what: string, cause?: unknown): DockerfileError {
    return new DockerfileError(basename(this.#file), line.line, `${line.keyword}: ${what}`, { cause });
  }
}

const architectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
const architecture = architectures[process.arch] ?? process.arch;
const platform: Readonly<Record<string, string>> = {
  TARGETOS: "linux",
  TARGETARCH: architecture,
  TARGETPLATFORM: `linux/${architecture}`,
  BUILDOS: "linux",
  BUILDARCH: architecture,
  BUILDPLATFORM: `linux/${architecture}`,
};

/** Builds that were killed have left what they had made. */
function removeAbandoned(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const place = join(folder, name);
    const builder = Number(name.split("-")[1]);
    if (existsSync(join(place, descriptionFile)) || processIdentity(builder) !== undefined) continue;
    rmSync(place, { recursive: true, force: true });
  }
}

function sizeOf(root: string): number {
  let size = 0;
  for (const path of looksOf(root).keys()) size += lstatSync(join(root, path)).size;
  return size;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const why =
      cause instanceof Error && "code" in cause && cause.code === "ENOENT"
        ? "it does not exist"
        : messageOf(cause);
    throw new ImageError(`${path} cannot be read: ${why}`, { cause });
  }
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length <= 100 ? line : `${line.slice(0, 99)}…`;
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
