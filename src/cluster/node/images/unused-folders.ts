import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { allPids } from "../process/proc-files.ts";
import { descriptionFile } from "./image-folder.ts";
import type { ImageStore } from "./image-store.ts";
import { isWithin } from "./root-folder.ts";

// Where folders of images are that Teal has made itself.
const ownFolders = ["built", "unpacked"] as const;

const namingSeconds = 60;
// What was pushed is unpacked again from the registry when it is asked for.
const unpackedSeconds = 24 * 3600;

/**
 * Removes the folders that Teal has made for images, that no name means any more, and that no process of this machine works
 * with. Where processes do not show what they work with, none is removed.
 */
export async function removeUnused(images: ImageStore): Promise<void> {
  const named = new Set((await images.list()).map(({ folder }) => folder));
  const unnamed = ownFolders
    .map((each) => join(images.folder, each))
    .flatMap((folder) => (existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []))
    .filter((folder) => !named.has(folder) && isLeft(folder));
  if (unnamed.length === 0) return;
  const pids = allPids();
  if (pids.length === 0) return;
  const used = pids.map(worksWith);
  for (const folder of unnamed)
    if (!used.some(({ cwd, texts }) => isWithin(folder, cwd) || texts.includes(folder)))
      rmSync(folder, { recursive: true, force: true });
}

// One without a description is being made, and a new one is on its way to its name.
function isLeft(folder: string): boolean {
  const description = statSync(join(folder, descriptionFile), { throwIfNoEntry: false });
  const seconds = basename(dirname(folder)) === "unpacked" ? unpackedSeconds : namingSeconds;
  return description !== undefined && Date.now() - description.mtimeMs > seconds * 1000;
}

function worksWith(pid: number): { readonly cwd: string; readonly texts: string } {
  try {
    const files = ["cmdline", "environ"].map((name) => readFileSync(`/proc/${pid}/${name}`, "utf8"));
    return { cwd: readlinkSync(`/proc/${pid}/cwd`), texts: files.join("\0") };
  } catch {
    // Somebody else's, or it has just ended.
    return { cwd: "", texts: "" };
  }
}
