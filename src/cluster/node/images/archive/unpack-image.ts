import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { processIdentity } from "../../process/process-identity.ts";
import { descriptionFile, ImageError } from "../image-folder.ts";
import { RootFolder } from "../root-folder.ts";
import {
  type BlobSource,
  type Descriptor,
  type ImageConfig,
  machinePlatform,
  manifestForMachine,
  openBlob,
  readJsonBlob,
} from "./oci-image.ts";
import { UnpackingLimit, unpackLayer } from "./unpack-layer.ts";

/**
 * The folder that an image's content is unpacked to, below `imagesFolder`. It is made when it is not there yet, whole or not
 * at all. Throws `ImageError` for what cannot run on this machine or is no image.
 */
export async function unpackImage(
  imagesFolder: string,
  blobs: BlobSource,
  descriptor: Descriptor,
): Promise<string> {
  const { manifest, digest } = await manifestForMachine(blobs, descriptor);
  const all = join(imagesFolder, "unpacked");
  const folder = join(all, digest.replace(":", "-").slice(0, 40));
  if (existsSync(join(folder, descriptionFile))) return folder;
  if (manifest.config === undefined || manifest.layers === undefined)
    throw new ImageError("it is no image of containers: its manifest has no config and layers");
  const config = await readJsonBlob<ImageConfig>(blobs, manifest.config);
  const { os = machinePlatform.os, architecture = machinePlatform.architecture } = config;
  if (os !== machinePlatform.os || architecture !== machinePlatform.architecture)
    throw new ImageError(
      `the image is for ${os}/${architecture}, and this machine is ${machinePlatform.os}/${machinePlatform.architecture}`,
    );
  removeAbandoned(all);
  const draft = join(all, `.${randomBytes(6).toString("hex")}-${process.pid}`);
  mkdirSync(draft, { recursive: true, mode: 0o700 });
  try {
    const root = new RootFolder(join(draft, "root"));
    const limit = new UnpackingLimit();
    for (const layer of manifest.layers) {
      if (
        layer.urls !== undefined ||
        layer.mediaType?.includes("nondistributable") === true ||
        layer.mediaType?.includes("foreign") === true
      )
        throw new ImageError(`layer ${layer.digest} is to be fetched from elsewhere, which is not done`);
      await unpackLayer(openBlob(blobs, layer.digest), root, limit);
    }
    const description = describe(
      config,
      digest,
      manifest.layers.reduce((sum, { size }) => sum + size, 0),
    );
    writeFileSync(join(draft, descriptionFile), `${JSON.stringify(description, null, 2)}\n`);
    // Somebody else may have unpacked the same meanwhile: then theirs is as good.
    try {
      renameSync(draft, folder);
    } catch (error) {
      if (!existsSync(join(folder, descriptionFile))) throw error;
    }
    return folder;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function describe(image: ImageConfig, digest: string, sizeBytes: number): object {
  const { config = {} } = image;
  const env = (config.Env ?? []).flatMap((each) => {
    const at = each.indexOf("=");
    return at > 0 ? [[each.slice(0, at), each.slice(at + 1)] as const] : [];
  });
  return {
    root: "root",
    entrypoint: config.Entrypoint ?? [],
    command: config.Cmd ?? [],
    env: Object.fromEntries(env),
    workingDir: config.WorkingDir === undefined || config.WorkingDir === "" ? "/" : config.WorkingDir,
    facts: {
      origin: "unpacked",
      id: digest,
      sizeBytes,
      ...(image.created === undefined ? {} : { created: image.created }),
      labels: config.Labels ?? {},
      ports: Object.keys(config.ExposedPorts ?? {}),
      ...(config.StopSignal === undefined ? {} : { stopSignal: config.StopSignal }),
    },
  };
}

/** What was being unpacked when somebody was killed. */
function removeAbandoned(all: string): void {
  if (!existsSync(all)) return;
  for (const name of readdirSync(all))
    if (name.startsWith(".") && processIdentity(Number(name.split("-")[1])) === undefined)
      rmSync(join(all, name), { recursive: true, force: true });
}
