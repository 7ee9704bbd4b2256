import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline, type Readable, Transform } from "node:stream";
import { ImageError } from "../image-folder.ts";

/** A piece of content by its digest, as in the OCI image specification. */
export interface Descriptor {
  readonly mediaType?: string;
  readonly digest: string;
  readonly size: number;
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly os?: string; readonly architecture?: string; readonly variant?: string };
}

/** A manifest of an image, or an index of several for different machines. */
export interface Manifest {
  readonly mediaType?: string;
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly Descriptor[];
}

/** What an image's config says of its containers and of the machine it was made for. */
export interface ImageConfig {
  readonly os?: string;
  readonly architecture?: string;
  readonly created?: string;
  readonly config?: {
    readonly Env?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly Entrypoint?: readonly string[] | null;
    readonly WorkingDir?: string;
    readonly Labels?: Readonly<Record<string, string>> | null;
    readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
    readonly StopSignal?: string;
  };
}

/** Where content is found by its digest. */
export interface BlobSource {
  /** Undefined when it is not there. */
  path(digest: string): string | undefined;
}

const mostJsonBytes = 4 * 1024 * 1024;
const digestForm = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

export function isDigest(text: string): boolean {
  return digestForm.test(text);
}

/** A JSON document by its descriptor, checked against its digest. */
export async function readJsonBlob<T extends object>(blobs: BlobSource, { digest }: Descriptor): Promise<T> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of openBlob(blobs, digest)) {
    pieces.push(piece as Buffer);
    size += (piece as Buffer).length;
    if (size > mostJsonBytes)
      throw new ImageError(`${digest} is larger than a manifest or config may be (4 MiB)`);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(pieces).toString("utf8"));
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new TypeError("not an object");
    return value as T;
  } catch (cause) {
    throw new ImageError(`${digest} is no JSON object, as a manifest or config must be`, { cause });
  }
}

/** Content whose digest is checked as it is read: the stream fails at its end when it is another. */
export function openBlob(blobs: BlobSource, digest: string): Readable {
  if (!isDigest(digest)) throw new ImageError(`"${digest}" is no digest`);
  const path = blobs.path(digest);
  if (path === undefined) throw new ImageError(`${digest} is missing`);
  const [algorithm = "sha256", wanted] = digest.split(":");
  const hash = createHash(algorithm);
  const checked = new Transform({
    transform(piece: Buffer, _encoding, done) {
      hash.update(piece);
      done(null, piece);
    },
    flush(done) {
      done(
        hash.digest("hex") === wanted
          ? null
          : new ImageError(`${digest} is damaged: its content has another digest`),
      );
    },
  });
  // An error arrives at whoever reads; who stops reading closes the file.
  return pipeline(createReadStream(path), checked, () => {});
}

const architectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

/** Of this machine, as images call it: `linux/amd64`. */
export const machinePlatform = {
  os: process.platform as string,
  architecture: architectures[process.arch] ?? (process.arch as string),
};

/** The manifest for this machine, through indexes. Throws `ImageError` when there is none for it. */
export async function manifestForMachine(
  blobs: BlobSource,
  descriptor: Descriptor,
  depth = 0,
): Promise<{ readonly manifest: Manifest; readonly digest: string }> {
  const manifest = await readJsonBlob<Manifest>(blobs, descriptor);
  if (manifest.manifests === undefined) return { manifest, digest: descriptor.digest };
  if (depth > 4) throw new ImageError("an index within an index within an index is not read");
  const { os, architecture } = machinePlatform;
  const fits = manifest.manifests.filter(
    ({ platform }) =>
      platform === undefined || (platform.os === os && platform.architecture === architecture),
  );
  const found = fits.find(({ platform }) => platform !== undefined) ?? fits[0];
  if (found === undefined) {
    const all = manifest.manifests.map(({ platform }) => `${platform?.os}/${platform?.architecture}`);
    throw new ImageError(`the image is for ${all.join(", ")}, and this machine is ${os}/${architecture}`);
  }
  return manifestForMachine(blobs, found, depth + 1);
}
