import { createHash } from "node:crypto";
import type { ImageContent } from "../image-folder.ts";
import type { BaseImage } from "./base-images.ts";
import type { Instruction } from "./dockerfile.ts";

/** One `FROM` and what follows it. */
export interface StagePlan {
  readonly index: number;
  /** After `AS`. */
  readonly name: string | undefined;
  readonly from: Instruction;
  /** What `FROM` names, with its variables replaced. */
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

/** What the instructions of a stage have said so far; what they have done is in its folder. */
export class StageState {
  readonly env = new Map<string, string>();
  readonly buildArguments = new Map<string, string>();
  readonly labels: Record<string, string> = {};
  readonly ports = new Set<string>();
  workdir = "/";
  entrypoint: readonly string[] = [];
  command: readonly string[] = [];
  shell: readonly string[] = ["/bin/sh", "-c"];
  stopSignal: string | undefined;
  /** Stands for everything that was done until now, and on what. */
  key = "";

  /** A stage that starts from a program of this machine. */
  static on(base: BaseImage, version: string): StageState {
    const state = new StageState();
    state.entrypoint = base.entrypoint;
    state.command = base.command;
    state.mark("base", base.language ?? "", version);
    return state;
  }

  /** A stage that goes on from an earlier one. */
  static after(earlier: StageState): StageState {
    const state = new StageState();
    for (const [name, value] of earlier.env) state.env.set(name, value);
    Object.assign(state.labels, earlier.labels);
    for (const port of earlier.ports) state.ports.add(port);
    state.workdir = earlier.workdir;
    state.entrypoint = earlier.entrypoint;
    state.command = earlier.command;
    state.shell = earlier.shell;
    state.stopSignal = earlier.stopSignal;
    state.key = earlier.key;
    return state;
  }

  /** A stage that goes on from an image of the cluster. */
  static from(image: ImageContent): StageState {
    const state = new StageState();
    for (const [name, value] of Object.entries(image.env)) state.env.set(name, value);
    Object.assign(state.labels, image.facts.labels);
    for (const port of image.facts.ports ?? []) state.ports.add(port);
    state.workdir = image.workingDir;
    state.entrypoint = image.entrypoint;
    state.command = image.arguments;
    state.stopSignal = image.facts.stopSignal;
    state.mark("image", image.facts.id ?? "");
    return state;
  }

  /** Adds to what the stage stands on. */
  mark(...what: readonly string[]): void {
    this.key = createHash("sha256")
      .update([this.key, ...what].join("\0"))
      .digest("hex");
  }

  /** Of variables, as instructions see them: what `ENV` says is before what `ARG` says. */
  lookup(name: string): string | undefined {
    return this.env.get(name) ?? this.buildArguments.get(name) ?? defaults[name];
  }

  /** As `RUN` lines see them. */
  get environment(): Readonly<Record<string, string>> {
    return { ...Object.fromEntries(this.buildArguments), ...Object.fromEntries(this.env) };
  }
}

const defaults: Readonly<Record<string, string>> = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
};
