import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ImageStore } from "../../cluster/node/images/image-store.ts";

const repository = "docker.io/atulinfracloud/weathersample";
const versions = ["v1", "v2"];

/** Gives a cluster that has no images yet those of `examples/weather`, so that its manifest runs as it is. */
export async function addExampleImages(images: ImageStore): Promise<void> {
  if ((await images.list()).length > 0) return;
  for (const version of versions) {
    const folder = fileURLToPath(new URL(`../../../examples/weather/app/${version}`, import.meta.url));
    if (existsSync(folder)) await images.add(`${repository}:${version}`, folder);
  }
}
