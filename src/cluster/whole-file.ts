import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/**
 * Puts a file in place of the one that is there: whole or not at all, and readable by its owner only. It is not forced onto the
 * disk: what must outlive a power failure is the store's.
 */
export function writeWhole(file: string, text: string): void {
  // Two processes may write the same file. The name is hidden, and so none that anybody else gives.
  const draft = join(dirname(file), `.${basename(file)}.${process.pid}.new`);
  // What lies there already may be readable by others, or a link to somewhere else.
  rmSync(draft, { force: true });
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: "wx" });
    renameSync(draft, file);
  } catch (error) {
    // On a full disk, half a draft takes the room that others need.
    rmSync(draft, { force: true });
    throw error;
  }
}

/** The text of a file; undefined when there is none. */
export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
