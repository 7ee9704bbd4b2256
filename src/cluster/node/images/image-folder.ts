import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** What an image says about the containers made of it. */
export interface ImageContent {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Relative to the image's folder. */
  readonly workingDir: string;
}

/** An image that is unknown or cannot be used; the message names the cause and the way out. */
export class ImageError extends Error {
  override readonly name = "ImageError";
}

const descriptionFile = "teal-image.json";
const example = '{"command": ["node", "server.js"], "env": {}}';

/** Reads `teal-image.json`, or the start command of `package.json` where there is none. */
export async function readImageFolder(folder: string): Promise<ImageContent> {
  const described = await readJson(join(folder, descriptionFile));
  if (described !== undefined) return parseDescription(described, join(folder, descriptionFile));
  const packaged = await readJson(join(folder, "package.json"));
  const command = packaged === undefined ? undefined : startCommand(packaged);
  if (command !== undefined) return { command, env: {}, workingDir: "." };
  throw new ImageError(
    `${folder} is no image: it needs a ${descriptionFile} such as ${example}, or a package.json with a start script or main`,
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
    throw new ImageError(
      `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    );
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) throw new TypeError("not a JSON object");
    return { ...value };
  } catch (cause) {
    throw new ImageError(
      `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    );
  }
}

function parseDescription(value: Record<string, unknown>, path: string): ImageContent {
  const { command, env = {}, workingDir = "." } = value;
  const wrong = (field: string, form: string): ImageError =>
    new ImageError(`${path}: ${field} must be ${form}; an example: ${example}`);
  if (!Array.isArray(command) || command.length === 0 || !command.every(isText)) {
    throw wrong("command", "a list of texts, the program first");
  }
  if (typeof env !== "object" || env === null || !Object.values(env).every(isText)) {
    throw wrong("env", "an object of texts");
  }
  if (!isText(workingDir)) throw wrong("workingDir", "a text");
  return { command, env: { ...env }, workingDir };
}

function startCommand(value: Record<string, unknown>): readonly string[] | undefined {
  const { scripts, main } = value;
  const start =
    typeof scripts === "object" && scripts !== null && "start" in scripts ? scripts.start : undefined;
  if (isText(start)) return ["sh", "-c", start];
  return isText(main) ? ["node", main] : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
