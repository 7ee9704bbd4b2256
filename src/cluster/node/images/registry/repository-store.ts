import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { readIfThere, writeWhole } from "../../../whole-file.ts";
import { type Descriptor, isDigest, type Manifest } from "../archive/oci-image.ts";
import { BlobStore } from "./blob-store.ts";
import { RegistryError } from "./registry-error.ts";

/** A manifest as it was pushed. */
export interface StoredManifest {
  readonly digest: string;
  readonly mediaType: string;
}

interface FullManifest extends Manifest {
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Referrer extends Descriptor {
  readonly artifactType?: string;
}

const nameForm = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagForm = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const imageType = "application/vnd.oci.image.manifest.v1+json";
const indexType = "application/vnd.oci.image.index.v1+json";
// A push sends its layers first: what belongs to no manifest yet may be on its way.
const unclaimedSeconds = 24 * 3600;
const tagsFolder = "tags";
const blobsFolder = "blobs";
const manifestsFolder = "manifests";
const referrersFolder = "referrers";

/**
 * The repositories of the registry, each a folder: its name, a file for each tag and manifest, and an empty one for each blob
 * that it may give out. Every file is written whole; content comes before what names it. So a process that is killed leaves
 * nothing that is named and not there.
 */
export class RepositoryStore {
  readonly blobs: BlobStore;
  /** Says on which port the registry was last. */
  readonly portFile: string;
  readonly #repositories: string;

  constructor(imagesFolder: string) {
    const folder = join(imagesFolder, "registry");
    this.portFile = join(folder, "port");
    this.blobs = new BlobStore(folder);
    this.#repositories = join(folder, "repositories");
    mkdirSync(this.#repositories, { recursive: true, mode: 0o700 });
  }

  /** Names of all that hold an image or another thing of the kind, in order. */
  names(): readonly string[] {
    return this.#all()
      .filter((name) => this.#listed(name, manifestsFolder).length > 0)
      .toSorted();
  }

  /** Everything that has a tag, with the size of what was pushed. */
  images(): readonly { readonly name: string; readonly digest: string; readonly sizeBytes: number }[] {
    const port = readIfThere(this.portFile) ?? "5000";
    return this.names().flatMap((name) =>
      this.tags(name).flatMap((tag) => {
        const digest = this.manifest(name, tag)?.digest;
        if (digest === undefined) return [];
        const sizeBytes = partsOf(this.#readManifest(digest) ?? {}).reduce((sum, { size }) => sum + size, 0);
        return [{ name: `localhost:${port}/${name}:${tag}`, digest, sizeBytes }];
      }),
    );
  }

  exists(name: string): boolean {
    return existsSync(join(this.#folder(name), "name"));
  }

  /** In the order of their characters. */
  tags(name: string): readonly string[] {
    return this.#listed(name, tagsFolder).toSorted();
  }

  /** Of a tag or digest; undefined when there is none. */
  manifest(name: string, reference: string): StoredManifest | undefined {
    const digest = isDigest(reference)
      ? reference
      : tagForm.test(reference)
        ? readIfThere(this.#file(name, tagsFolder, reference))
        : undefined;
    if (digest === undefined) return undefined;
    const mediaType = readIfThere(this.#file(name, manifestsFolder, fileOf(digest)));
    return mediaType === undefined ? undefined : { digest, mediaType };
  }

  /** Answers the digest, and what it refers to if it does. Throws `RegistryError` for what is no manifest. */
  async putManifest(
    name: string,
    reference: string,
    content: Buffer,
    type: string | undefined,
  ): Promise<{ readonly digest: string; readonly subject: string | undefined }> {
    const [algorithm = "sha256"] = isDigest(reference) ? reference.split(":") : ["sha256"];
    const digest = `${algorithm}:${createHash(algorithm).update(content).digest("hex")}`;
    if (isDigest(reference) && digest !== reference)
      throw new RegistryError("DIGEST_INVALID", `the manifest is ${digest}, not ${reference}`);
    if (!isDigest(reference) && !tagForm.test(reference))
      throw new RegistryError("MANIFEST_INVALID", `"${reference}" is neither a tag nor a digest`);
    const manifest = parseManifest(content);
    const mediaType =
      type ?? manifest.mediaType ?? (manifest.manifests === undefined ? imageType : indexType);
    if (manifest.mediaType !== undefined && manifest.mediaType !== mediaType)
      throw new RegistryError(
        "MANIFEST_INVALID",
        `it says mediaType ${manifest.mediaType}, and was sent as ${mediaType}`,
      );
    this.#checkParts(name, manifest);
    await this.blobs.put(digest, content);
    this.#write(name, manifestsFolder, fileOf(digest), mediaType);
    const subject = manifest.subject?.digest;
    if (subject !== undefined && isDigest(subject)) {
      const referrer: Referrer = {
        mediaType,
        digest,
        size: content.length,
        ...optional("artifactType", manifest.artifactType ?? manifest.config?.mediaType),
        ...optional("annotations", manifest.annotations),
      };
      this.#write(name, join(referrersFolder, fileOf(subject)), fileOf(digest), JSON.stringify(referrer));
    }
    if (!isDigest(reference)) this.#write(name, tagsFolder, reference, digest);
    return { digest, subject };
  }

  /** Removes a tag, or a manifest with all its tags. Answers whether there was one. */
  async removeManifest(name: string, reference: string): Promise<boolean> {
    const found = this.manifest(name, reference);
    if (found === undefined) return false;
    if (!isDigest(reference)) {
      rmSync(this.#file(name, tagsFolder, reference), { force: true });
      return true;
    }
    for (const tag of this.tags(name))
      if (readIfThere(this.#file(name, tagsFolder, tag)) === reference)
        rmSync(this.#file(name, tagsFolder, tag));
    const { subject } = this.#readManifest(reference) ?? {};
    if (subject !== undefined && isDigest(subject.digest))
      rmSync(this.#file(name, join(referrersFolder, fileOf(subject.digest)), fileOf(reference)), {
        force: true,
      });
    rmSync(this.#file(name, manifestsFolder, fileOf(reference)), { force: true });
    return true;
  }

  referrers(name: string, subject: string): readonly Referrer[] {
    const folder = join(referrersFolder, fileOf(subject));
    return this.#listed(name, folder).flatMap((each) => {
      const text = readIfThere(this.#file(name, folder, each));
      return text === undefined ? [] : [JSON.parse(text) as Referrer];
    });
  }

  /** Whether the repository may give out this content. */
  hasBlob(name: string, digest: string): boolean {
    return (
      isDigest(digest) &&
      existsSync(this.#file(name, blobsFolder, fileOf(digest))) &&
      this.blobs.path(digest) !== undefined
    );
  }

  linkBlob(name: string, digest: string): void {
    this.#write(name, blobsFolder, fileOf(digest), "");
  }

  removeBlob(name: string, digest: string): boolean {
    if (!this.hasBlob(name, digest)) return false;
    rmSync(this.#file(name, blobsFolder, fileOf(digest)), { force: true });
    return true;
  }

  /** A repository that may give out this content. */
  ownerOf(digest: string): string | undefined {
    return this.#all().find((name) => this.hasBlob(name, digest));
  }

  /** Lets go of content that no manifest names, when it is too old to be on its way. */
  collectGarbage(): void {
    const wanted = new Set<string>();
    for (const name of this.#all()) {
      const named = new Set<string>();
      for (const file of this.#listed(name, manifestsFolder)) {
        const digest = digestOf(file);
        named.add(digest);
        for (const each of partsOf(this.#readManifest(digest) ?? {})) named.add(each.digest);
      }
      for (const file of this.#listed(name, blobsFolder)) {
        const place = this.#file(name, blobsFolder, file);
        if (!named.has(digestOf(file)) && isOlder(place, unclaimedSeconds)) rmSync(place, { force: true });
        else wanted.add(digestOf(file));
      }
      for (const each of named) wanted.add(each);
    }
    this.blobs.sweep((digest) => wanted.has(digest), unclaimedSeconds);
  }

  #all(): readonly string[] {
    return readdirSync(this.#repositories).flatMap(
      (each) => readIfThere(join(this.#repositories, each, "name")) ?? [],
    );
  }

  #checkParts(name: string, manifest: FullManifest): void {
    for (const part of [
      ...(manifest.config === undefined ? [] : [manifest.config]),
      ...(manifest.layers ?? []),
    ]) {
      if (!isDigest(part.digest))
        throw new RegistryError("MANIFEST_INVALID", `"${part.digest}" is no digest`);
      const isElsewhere = part.urls !== undefined || /nondistributable|foreign/.test(part.mediaType ?? "");
      if (!isElsewhere && !this.hasBlob(name, part.digest))
        throw new RegistryError("MANIFEST_BLOB_UNKNOWN", `${part.digest} has not been pushed to ${name}`);
    }
  }

  #readManifest(digest: string): FullManifest | undefined {
    const place = this.blobs.path(digest);
    const text = place === undefined ? undefined : readIfThere(place);
    return text === undefined ? undefined : (JSON.parse(text) as FullManifest);
  }

  #write(name: string, folder: string, file: string, text: string): void {
    const repository = this.#folder(name);
    mkdirSync(join(repository, folder), { recursive: true, mode: 0o700 });
    if (!existsSync(join(repository, "name"))) writeWhole(join(repository, "name"), name);
    writeWhole(join(repository, folder, file), text);
    utimesSync(join(repository, folder, file), new Date(), new Date());
  }

  #listed(name: string, folder: string): readonly string[] {
    const path = join(this.#folder(name), folder);
    return existsSync(path) ? readdirSync(path).filter((each) => !each.startsWith(".")) : [];
  }

  #file(name: string, folder: string, file: string): string {
    return join(this.#folder(name), folder, file);
  }

  /** Names are longer than those of files, and may be the beginning of others. */
  #folder(name: string): string {
    if (name.length > 255 || !nameForm.test(name))
      throw new RegistryError(
        "NAME_INVALID",
        `"${name}" is no name of a repository: small letters, digits, . _ - and /`,
      );
    return join(this.#repositories, createHash("sha256").update(name).digest("hex").slice(0, 32));
  }
}

function parseManifest(content: Buffer): FullManifest {
  let value: unknown;
  try {
    value = JSON.parse(content.toString("utf8"));
  } catch {
    throw new RegistryError("MANIFEST_INVALID", "it is no JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new RegistryError("MANIFEST_INVALID", "it is no JSON object");
  const { schemaVersion, layers = [], manifests = [] } = value as Record<string, unknown>;
  if (schemaVersion !== 2)
    throw new RegistryError(
      "MANIFEST_INVALID",
      `schemaVersion must be 2, not ${JSON.stringify(schemaVersion)}`,
    );
  if (!isDescriptors(layers) || !isDescriptors(manifests))
    throw new RegistryError("MANIFEST_INVALID", "layers and manifests must be lists of descriptors");
  return value as FullManifest;
}

function isDescriptors(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (each) => typeof each === "object" && each !== null && typeof (each as Descriptor).digest === "string",
    )
  );
}

function partsOf({ config, layers = [], manifests = [] }: FullManifest): readonly Descriptor[] {
  return [...(config === undefined ? [] : [config]), ...layers, ...manifests];
}

// Digests as names of files: FAT and others have no colons.
function fileOf(digest: string): string {
  return digest.replace(":", "-");
}

function digestOf(file: string): string {
  return file.replace("-", ":");
}

function isOlder(place: string, seconds: number): boolean {
  return (statSync(place, { throwIfNoEntry: false })?.mtimeMs ?? 0) < Date.now() - seconds * 1000;
}

function optional<T>(name: string, value: T | undefined): Record<string, T> {
  return value === undefined ? {} : { [name]: value };
}
