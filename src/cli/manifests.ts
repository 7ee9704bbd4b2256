import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { CommandError, UsageError } from "./errors.ts";

/** An object as somebody wrote it down. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** A document that could be read, or why it could not. */
export type Document =
  | {
      readonly source: string;
      readonly manifest: Manifest;
      /** What is odd in the text, and could be read all the same. */
      readonly warnings?: readonly string[];
    }
  | { readonly source: string; readonly problem: string; readonly warnings?: readonly string[] };

/** The documents of all that `-f` names, in order. */
export async function readAll(
  filenames: readonly string[],
  standardInput: () => Promise<string>,
): Promise<readonly Document[]> {
  if (filenames.length === 0) throw new UsageError("must say what: -f FILE, -f DIR or -f -");
  const documents: Document[] = [];
  for (const name of filenames) documents.push(...(await readManifests(name, standardInput)));
  if (documents.length === 0) throw new CommandError(`there is no object in ${filenames.join(", ")}`);
  return documents;
}

/** Reads a file, all manifests of a folder in the order of their names, or standard input (`-`). */
async function readManifests(
  path: string,
  standardInput: () => Promise<string>,
): Promise<readonly Document[]> {
  if (path === "-") return parseManifests("standard input", await standardInput());
  const files = await filesOf(path);
  const documents = await Promise.all(
    files.map(async (file) => parseManifests(file, await readFile(file, "utf8"))),
  );
  return documents.flat();
}

async function filesOf(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch((error: unknown) => {
    if (!(error instanceof Error)) throw error;
    const isMissing = "code" in error && error.code === "ENOENT";
    throw new CommandError(isMissing ? `there is no file "${path}"` : `cannot read ${error.message}`);
  });
  if (!found.isDirectory()) return [path];
  const files = (await readdir(path)).filter((name) => /\.(ya?ml|json)$/.test(name)).sort();
  if (files.length === 0) throw new CommandError(`there is no .yaml, .yml or .json file in "${path}"`);
  return files.map((name) => join(path, name));
}

/** The documents of a YAML or JSON text; the members of a `List` are documents of their own. */
export function parseManifests(source: string, text: string): readonly Document[] {
  const documents = parseAllDocuments(text);
  // For a text without any document the library answers an object that is no array.
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document): readonly Document[] => {
    const error = document.errors.find(({ code }) => code !== duplicateKey);
    if (error !== undefined) return [{ source, problem: `is no valid YAML: ${error.message}` }];
    const [first, ...others] = objectsOf(source, document.toJS());
    // As with kubectl the last of them counts; unlike it, somebody is told.
    const warnings = document.errors.map(
      ({ pos: [offset] }) => `${source}: ${keyAt(text, offset)} is there already; the last one counts`,
    );
    if (first === undefined || warnings.length === 0) return first === undefined ? [] : [first, ...others];
    return [{ ...first, warnings }, ...others];
  });
}

const duplicateKey = "DUPLICATE_KEY";

/** `"image" in line 7` */
function keyAt(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const [, key = ""] = /^["']?([^"':\s]*)/.exec(text.slice(offset)) ?? [];
  return `"${key}" in line ${before.split("\n").length}`;
}

function objectsOf(source: string, content: unknown): readonly Document[] {
  if (content === null || content === undefined) return [];
  if (!isRecord(content)) return [{ source, problem: "has a document that is no object" }];
  const { apiVersion, kind, items } = content;
  if (typeof apiVersion !== "string" || apiVersion === "")
    return [{ source, problem: "has an object without apiVersion" }];
  if (typeof kind !== "string" || kind === "") return [{ source, problem: "has an object without kind" }];
  if (kind.endsWith("List") && Array.isArray(items)) return items.flatMap((item) => objectsOf(source, item));
  if (!isRecord(content["metadata"])) return [{ source, problem: `has a ${kind} without metadata` }];
  return [{ source, manifest: content as unknown as Manifest }];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
