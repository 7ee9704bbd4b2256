import { execFileSync } from "node:child_process";
import { findProgram } from "../image-command.ts";

/** What a base image means here: a program of this machine, or nothing but the machine's own. */
export interface BaseImage {
  /** As people call it: `Python`. */
  readonly language?: string;
  /** Names of the program, the first found is it; none where any program will do. */
  readonly programs: readonly string[];
  /** How much of the version a tag means: `node:24` is any 24, `python:3.11` any 3.11. */
  readonly versionParts: number;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

const anyProgram: BaseImage = { programs: [], versionParts: 0, entrypoint: [], command: ["sh"] };
const language = (
  name: string,
  programs: readonly string[],
  versionParts: number,
  command: readonly string[],
): BaseImage => ({ language: name, programs, versionParts, entrypoint: [], command });
const node = language("Node.js", ["node"], 1, ["node"]);
const python = language("Python", ["python3", "python"], 2, ["python3"]);
const java = language("Java", ["java"], 1, ["jshell"]);
const systems =
  "scratch alpine debian ubuntu busybox bash fedora centos rockylinux almalinux amazonlinux oraclelinux archlinux " +
  "buildpack-deps ubi ubi-minimal ubi-micro static static-debian base base-debian cc cc-debian wolfi-base";

/** By the last part of a base image's name, without a version in it. */
const bases: ReadonlyMap<string, BaseImage> = new Map([
  ...systems.split(" ").map((name) => [name, anyProgram] as const),
  ["node", node],
  // Google's distroless images start the interpreter themselves.
  ["nodejs", { ...node, entrypoint: ["node"], command: [] }],
  ["nodejs-debian", { ...node, entrypoint: ["node"], command: [] }],
  ["python", python],
  ["python-debian", { ...python, entrypoint: ["python3"], command: [] }],
  ["golang", language("Go", ["go"], 2, ["sh"])],
  ["go", language("Go", ["go"], 2, ["sh"])],
  ["ruby", language("Ruby", ["ruby"], 2, ["irb"])],
  ["perl", language("Perl", ["perl"], 1, ["perl"])],
  ["php", language("PHP", ["php"], 2, ["php", "-a"])],
  ["rust", language("Rust", ["cargo"], 0, ["sh"])],
  ["deno", { ...language("Deno", ["deno"], 1, []), entrypoint: ["deno"] }],
  ["bun", language("Bun", ["bun"], 1, ["bun"])],
  ["openjdk", java],
  ["eclipse-temurin", java],
  ["amazoncorretto", java],
  ["java-debian", { ...java, entrypoint: ["java", "-jar"], command: [] }],
]);

/** What the base image of this name means; undefined for one that only a registry has. */
export function baseImageOf(reference: string): BaseImage | undefined {
  const last = nameAndTag(reference).name;
  // `nodejs22-debian12`, `python3-debian12`, `ubi9`, `static-debian12`.
  return bases.get(last) ?? bases.get(last.replaceAll(/[0-9]+/g, ""));
}

function nameAndTag(reference: string): { readonly name: string; readonly tag: string } {
  const [path = ""] = reference.split("@");
  const last = path.slice(path.lastIndexOf("/") + 1);
  const [name = "", tag = ""] = last.split(":");
  return { name, tag };
}

/** The version that a reference asks for, `3.11` for `python:3.11-slim`; undefined when it does not say. */
function wantedVersion(reference: string, parts: number): string | undefined {
  const { name, tag } = nameAndTag(reference);
  const found = /^v?(\d+(?:\.\d+)*)/.exec(tag)?.[1] ?? /^nodejs(\d+)/.exec(name)?.[1];
  if (found === undefined || parts === 0) return undefined;
  return found.split(".").slice(0, parts).join(".");
}

/** The machine's program for a base image: where it is, and what to say of its version. */
export interface MachineProgram {
  /** `Python 3.11.7`. */
  readonly version: string;
  /** Said where another version was asked for. */
  readonly remark?: string;
}

/** Undefined when the machine has no such program. */
export function machineProgram(
  base: BaseImage,
  reference: string,
  search: string,
): MachineProgram | undefined {
  if (base.language === undefined) return { version: "" };
  const version = base === node || base.programs[0] === "node" ? process.version : versionOn(base, search);
  if (version === undefined) return undefined;
  const number = /\d+(?:\.\d+)*/.exec(version)?.[0] ?? "";
  const wanted = wantedVersion(reference, base.versionParts);
  const name = `${base.language} ${number}`;
  const isAnother = wanted !== undefined && !`${number}.`.startsWith(`${wanted}.`);
  return isAnother
    ? {
        version: name,
        remark: `${reference} asks for ${base.language} ${wanted}: this machine has ${name}, which runs it`,
      }
    : { version: name };
}

function versionOn({ programs }: BaseImage, search: string): string | undefined {
  const found = programs.map((each) => findProgram(each, search)).find((each) => each !== undefined);
  if (found === undefined) return undefined;
  for (const flag of ["--version", "version", "-version"]) {
    try {
      return execFileSync(found, [flag], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
        timeout: 20_000,
      }).split("\n")[0];
    } catch {
      // The next way of asking.
    }
  }
  return "0";
}
