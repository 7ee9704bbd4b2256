import { createHash, type Hash, randomUUID } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BlobSource, isDigest } from "../archive/oci-image.ts";
import { RegistryError } from "./registry-error.ts";

/** Content by its digest, whoever it belongs to, and what is on its way. */
export class BlobStore implements BlobSource {
  readonly #blobs: string;
  readonly #uploads: string;

  constructor(folder: string) {
    this.#blobs = join(folder, "blobs");
    this.#uploads = join(folder, "uploads");
    mkdirSync(this.#uploads, { recursive: true, mode: 0o700 });
  }

  path(digest: string): string | undefined {
    const place = this.#place(digest);
    return place !== undefined && existsSync(place) ? place : undefined;
  }

  /** Bytes; undefined when it is not there. */
  size(digest: string): number | undefined {
    const place = this.#place(digest);
    return place === undefined ? undefined : statSync(place, { throwIfNoEntry: false })?.size;
  }

  /** Begins something whose digest is not known yet; answers its id. */
  async begin(): Promise<string> {
    const id = randomUUID();
    await (await open(this.#upload(id), "wx", 0o600)).close();
    return id;
  }

  /** How much has come; undefined when there is no such upload. */
  received(id: string): number | undefined {
    return statSync(this.#upload(id), { throwIfNoEntry: false })?.size;
  }

  /** Adds to what has come. What a broken connection has brought stays, and can be gone on from. */
  async append(id: string, content: AsyncIterable<Buffer>): Promise<number> {
    const file = await open(this.#upload(id), "a");
    try {
      for await (const piece of content) await file.writeFile(piece);
      return (await file.stat()).size;
    } finally {
      await file.close();
    }
  }

  cancel(id: string): boolean {
    const isThere = this.received(id) !== undefined;
    rmSync(this.#upload(id), { force: true });
    return isThere;
  }

  /** Makes an upload the content of this digest, on the disk before it is answered for. */
  async finish(id: string, digest: string): Promise<void> {
    const place = this.#place(digest);
    if (place === undefined) throw new RegistryError("DIGEST_INVALID", `"${digest}" is no digest`);
    const [algorithm = "", wanted] = digest.split(":");
    const upload = this.#upload(id);
    const hash = await hashOf(upload, createHash(algorithm));
    if (hash !== wanted) {
      await rm(upload, { force: true });
      throw new RegistryError(
        "DIGEST_INVALID",
        `what has come is ${algorithm}:${hash}, not ${digest}: push it again`,
      );
    }
    const file = await open(upload, "r+");
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    mkdirSync(join(place, ".."), { recursive: true, mode: 0o700 });
    await rename(upload, place);
  }

  /** Keeps content that is whole already. */
  async put(digest: string, content: Buffer): Promise<void> {
    const id = await this.begin();
    await writeFile(this.#upload(id), content);
    await this.finish(id, digest);
  }

  /** Removes content that `isWanted` denies, and uploads that nobody has gone on with, when they are older than so long. */
  sweep(isWanted: (digest: string) => boolean, olderThanSeconds: number): void {
    const before = Date.now() - olderThanSeconds * 1000;
    const isOld = (place: string): boolean =>
      (statSync(place, { throwIfNoEntry: false })?.mtimeMs ?? before) < before;
    for (const id of readdirSync(this.#uploads))
      if (isOld(this.#upload(id))) rmSync(this.#upload(id), { force: true });
    for (const digest of this.#all()) {
      const place = this.#place(digest);
      if (place !== undefined && !isWanted(digest) && isOld(place)) rmSync(place, { force: true });
    }
  }

  #all(): readonly string[] {
    if (!existsSync(this.#blobs)) return [];
    return readdirSync(this.#blobs).flatMap((algorithm) =>
      readdirSync(join(this.#blobs, algorithm)).map((hex) => `${algorithm}:${hex}`),
    );
  }

  #place(digest: string): string | undefined {
    return isDigest(digest) ? join(this.#blobs, digest.replace(":", "/")) : undefined;
  }

  #upload(id: string): string {
    return join(this.#uploads, id);
  }
}

/** Digest of a file, without it ever being in memory. */
async function hashOf(path: string, hash: Hash): Promise<string> {
  for await (const piece of createReadStream(path, { highWaterMark: 1024 * 1024 }))
    hash.update(piece as Buffer);
  return hash.digest("hex");
}
