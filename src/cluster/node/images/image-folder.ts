import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** What an image says about the containers made of it. */
export interface ImageContent {
  /** What every container runs unless its `command` says otherwise. */
  readonly entrypoint: readonly string[];
  /** What follows it unless the container's `args` say otherwise. */
  readonly arguments: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Relative to the image's folder, or to its root where it has one. */
  readonly workingDir: string;
  /** The folder that the image's absolute paths mean; absent where the image's folder is all there is. */
  readonly root?: string;
  /** What else its builder has said; for people. */
  readonly facts: ImageFacts;
}

/** What an image tells people, and no container. */
export interface ImageFacts {
  /** What it was made of: `built`, `unpacked`; nothing for a folder of the user's own. */
  readonly origin?: string;
  /** Of its content: `sha256:…`. */
  readonly id?: string;
  readonly created?: string;
  readonly sizeBytes?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly stopSignal?: string;
}

/** An image that is unknown or cannot be used; the message names the cause and the way out. */
export class ImageError extends Error {
  override readonly name = "ImageError";
}

/** The file in an image's folder that describes it. */
export const descriptionFile = "teal-image.json";
const example = '{"command": ["node", "server.js"], "env": {}}';

/** Reads `teal-image.json`, or the start command of `package.json` where there is none. */
export async function readImageFolder(folder: string): Promise<ImageContent> {
  const described = await readJson(join(folder, descriptionFile));
  if (described !== undefined) return parseDescription(described, folder);
  const packaged = await readJson(join(folder, "package.json"));
  const command = packaged === undefined ? undefined : startCommand(packaged);
  if (command !== undefined)
    return { entrypoint: command, arguments: [], env: {}, workingDir: ".", facts: {} };
  throw new ImageError(
    `${folder} is no image: it needs a ${descriptionFile} such as ${example}, or a package.json with a start script or main; ` +
      `what has a Dockerfile is built with: teal image build -t NAME:TAG ${folder}`,
  );
}

async function readJson(path: string): Promise<Record<string, unknown> | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR")) {
      return undefined;
    }
    throw unreadable(path, cause);
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) throw new TypeError("not a JSON object");
    return { ...value };
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): ImageError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ImageError(`${path} cannot be read: ${why}`, { cause });
}

function parseDescription(value: Record<string, unknown>, folder: string): ImageContent {
  const path = join(folder, descriptionFile);
  const { entrypoint, command = [], env = {}, workingDir = ".", root, facts = {} } = value;
  const wrong = (field: string, form: string): ImageError =>
    new ImageError(`${path}: ${field} must be ${form}; an example: ${example}`);
  if (entrypoint !== undefined && !isTexts(entrypoint)) throw wrong("entrypoint", "a list of texts");
  if (!isTexts(command) || (entrypoint === undefined && command.length === 0)) {
    throw wrong("command", "a list of texts, the program first");
  }
  if (typeof env !== "object" || env === null || !Object.values(env).every(isText)) {
    throw wrong("env", "an object of texts");
  }
  if (!isText(workingDir)) throw wrong("workingDir", "a text");
  if (root !== undefined && !isText(root)) throw wrong("root", "a text");
  return {
    ...(entrypoint === undefined
      ? { entrypoint: command, arguments: [] }
      : { entrypoint, arguments: command }),
    env: { ...env },
    workingDir,
    ...(root === undefined ? {} : { root: join(folder, root) }),
    facts: typeof facts === "object" && facts !== null ? facts : {},
  };
}

function startCommand(value: Record<string, unknown>): readonly string[] | undefined {
  const { scripts, main } = value;
  const start =
    typeof scripts === "object" && scripts !== null && "start" in scripts ? scripts.start : undefined;
  if (isText(start)) return ["sh", "-c", start];
  return isText(main) ? ["node", main] : undefined;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
