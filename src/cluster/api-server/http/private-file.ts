import { readFile, rename, rm, writeFile } from "node:fs/promises";

/** The text of a file; undefined when there is none. */
export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Writes a file whole or not at all, and never readable by others. */
export async function writePrivately(file: string, text: string): Promise<void> {
  const unfinished = `${file}.new`;
  // What lies there already may be readable by others, or a link to somewhere else.
  await rm(unfinished, { force: true });
  await writeFile(unfinished, text, { mode: 0o600, flag: "wx" });
  await rename(unfinished, file);
}
