import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/**
 * Where a program is, for a command in `folder` with the search path `path`. Throws an error in the words of a container runtime
 * when it cannot be run.
 */
export function programAt(program: string, folder: string, path: string): string {
  const quoted = JSON.stringify(program);
  if (program === "") throw new Error('exec: "": executable file not found in $PATH');
  if (program.includes("/")) {
    const place = isAbsolute(program) ? program : join(folder, program);
    const kind = kindOf(place);
    if (kind === "missing") throw new Error(`exec: ${quoted}: stat ${program}: no such file or directory`);
    if (kind === "other") throw new Error(`exec: ${quoted}: permission denied`);
    return place;
  }
  const places = path.split(delimiter).map((each) => join(each === "" ? "." : each, program));
  const found = places.find((place) => kindOf(place) === "program");
  if (found === undefined) throw new Error(`exec: ${quoted}: executable file not found in $PATH`);
  return found;
}

function kindOf(path: string): "program" | "other" | "missing" {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return "missing";
  if (!stats.isFile()) return "other";
  try {
    accessSync(path, constants.X_OK);
    return "program";
  } catch {
    return "other";
  }
}
