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
  | { readonly source: string; readonly manifest: Manifest }
  | { readonly source: string; readonly problem: string };

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
    const [error] = document.errors;
    if (error !== undefined) return [{ source, problem: `is no valid YAML: ${error.message}` }];
    return objectsOf(source, document.toJS());
  });
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
