import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Container } from "../../../api/core.ts";
import type { ImageContent } from "./image-folder.ts";
import { ImagePaths } from "./image-paths.ts";

/** What a container is started with: its manifest's words, or the image's where it has none. */
export function commandOf(image: ImageContent, { command, args }: Container): readonly string[] {
  if (command !== undefined && command.length > 0) return [...command, ...(args ?? [])];
  return [...image.entrypoint, ...(args !== undefined && args.length > 0 ? args : image.arguments)];
}

/** Commands and variables of an image's containers as this machine understands them. */
export interface ImageView {
  /** The program first. */
  command(words: readonly string[]): readonly string[];
  variables(environment: Readonly<Record<string, string>>): Readonly<Record<string, string>>;
}

/** `machinePath` is where programs are found that the image does not have itself; `mounts` are paths that are no longer the image's. */
export function viewOf(image: ImageContent, machinePath: string, mounts: readonly string[] = []): ImageView {
  if (image.root === undefined)
    return { command: (words) => withProgram(words, machinePath), variables: (environment) => environment };
  const paths = new ImagePaths(image.root, mounts);
  const search = paths.searchPath(image.env["PATH"] ?? "", machinePath);
  return {
    command: (words) => {
      const [program = "", ...args] = words;
      const own = paths.word(program);
      const meant = existsSync(own) && own !== program ? own : program;
      return withProgram([meant, ...args.map((each) => paths.word(each))], search);
    },
    variables: (environment) => paths.variables(environment, machinePath),
  };
}

// Where images have these programs, and people write that down, this machine has them elsewhere.
const usualPlaces = /^\/(?:usr\/(?:local\/)?|nodejs\/)?s?bin\/(node|python3?)$/;

function withProgram([program = "", ...args]: readonly string[], search: string): readonly string[] {
  return [programOf(program, search), ...args];
}

/** `node` means the Node that Teal itself runs on, and `python` also a `python3`. */
function programOf(word: string, search: string): string {
  const name = usualPlaces.exec(word)?.[1] ?? word;
  if (name === "node") return process.execPath;
  if (name === "python" && findProgram("python", search) === undefined) return "python3";
  return name;
}

/** The first file of this name that can be run in the folders of `search`. */
export function findProgram(name: string, search: string): string | undefined {
  for (const folder of search.split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this one.
    }
  }
  return undefined;
}
