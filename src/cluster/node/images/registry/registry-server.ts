import { createReadStream } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { isDigest } from "../archive/oci-image.ts";
import { RegistryError } from "./registry-error.ts";
import type { RepositoryStore } from "./repository-store.ts";

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Of the repository. */
  readonly name: string;
  /** What follows: a tag, a digest, the id of an upload. */
  readonly reference: string;
  readonly query: URLSearchParams;
}

type Answer = (registry: RegistryServer, call: Call) => Promise<void> | void;
type Methods = Readonly<Partial<Record<string, Answer>>>;

const mostManifestBytes = 4 * 1024 * 1024;
const mostListed = 1000;
const indexType = "application/vnd.oci.image.index.v1+json";

const routes: readonly (readonly [path: RegExp, methods: Methods])[] = [
  [
    /^\/v2\/(?<name>)(?<reference>)$/,
    {
      GET: (_, { response }) => sendJson(response, 200, {}),
      HEAD: (_, { response }) => sendJson(response, 200, {}),
    },
  ],
  [/^\/v2\/_catalog(?<name>)(?<reference>)$/, { GET: (each, call) => each.catalog(call) }],
  [/^\/v2\/(?<name>.+)\/tags\/list(?<reference>)$/, { GET: (each, call) => each.tags(call) }],
  [/^\/v2\/(?<name>.+)\/referrers\/(?<reference>[^/]+)$/, { GET: (each, call) => each.referrers(call) }],
  [
    /^\/v2\/(?<name>.+)\/manifests\/(?<reference>[^/]+)$/,
    {
      GET: (each, call) => each.manifest(call),
      HEAD: (each, call) => each.manifest(call),
      PUT: (each, call) => each.putManifest(call),
      DELETE: (each, call) => each.deleteManifest(call),
    },
  ],
  [/^\/v2\/(?<name>.+)\/blobs\/uploads\/?(?<reference>)$/, { POST: (each, call) => each.beginUpload(call) }],
  [
    /^\/v2\/(?<name>.+)\/blobs\/uploads\/(?<reference>[0-9a-f-]{36})$/,
    {
      GET: (each, call) => each.upload(call),
      PATCH: (each, call) => each.goOn(call),
      PUT: (each, call) => each.endUpload(call),
      DELETE: (each, call) => each.cancelUpload(call),
    },
  ],
  [
    /^\/v2\/(?<name>.+)\/blobs\/(?<reference>[^/]+)$/,
    {
      GET: (each, call) => each.blob(call),
      HEAD: (each, call) => each.blob(call),
      DELETE: (each, call) => each.deleteBlob(call),
    },
  ],
];

export interface RegistryServerOptions {
  readonly store: RepositoryStore;
  /** A tag means something else now. */
  readonly onPushed: () => void;
  readonly onProblem: (text: string) => void;
}

/** The OCI distribution API: what docker, buildah, skopeo and helm push to and pull from. */
export class RegistryServer {
  readonly #store: RepositoryStore;
  readonly #options: RegistryServerOptions;
  readonly #server: Server;

  constructor(options: RegistryServerOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#server = createServer((request, response) => void this.#serve(request, response));
    // Layers are large, and machines may be slow: silence ends a connection, not the time that a push takes.
    this.#server.requestTimeout = 0;
    this.#server.timeout = 300_000;
  }

  /** Resolves with the port when it listens on 127.0.0.1. */
  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", () => {
        const address = this.#server.address();
        resolve(typeof address === "object" && address !== null ? address.port : port);
      });
    });
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      response.setHeader("Docker-Distribution-API-Version", "registry/2.0");
      checkOrigin(request);
      const url = new URL(request.url ?? "/", "http://localhost");
      for (const [pattern, methods] of routes) {
        const found = pattern.exec(decodeURIComponent(url.pathname));
        if (found === null) continue;
        const answer = methods[request.method ?? ""];
        if (answer === undefined) {
          response.setHeader("Allow", Object.keys(methods).join(", "));
          throw new RegistryError("UNSUPPORTED", `${request.method} is not offered here`);
        }
        const { name = "", reference = "" } = found.groups ?? {};
        await answer(this, { request, response, name, reference, query: url.searchParams });
        return;
      }
      throw new RegistryError("NAME_UNKNOWN", `there is nothing at ${url.pathname}`);
    } catch (error) {
      this.#fail(error, request, response);
    }
  }

  #fail(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    const known = error instanceof RegistryError ? error : undefined;
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    const isGone = request.destroyed && !request.complete;
    if (known === undefined && !isGone)
      this.#options.onProblem(`${request.method} ${request.url}: ${messageOf(error)}`);
    if (response.headersSent || isGone) {
      response.destroy();
      return;
    }
    const status =
      known?.status ?? (code === "ENOSPC" || code === "EDQUOT" ? 507 : error instanceof URIError ? 400 : 500);
    const message = status === 507 ? "the disk is full" : messageOf(error);
    if (!request.complete) response.setHeader("Connection", "close");
    sendJson(response, status, { errors: [{ code: known?.code ?? "UNKNOWN", message, detail: null }] });
  }

  catalog({ response, query }: Call): void {
    const { page, next } = pageOf(this.#store.names(), query);
    if (next !== undefined) response.setHeader("Link", `</v2/_catalog?${next}>; rel="next"`);
    sendJson(response, 200, { repositories: page });
  }

  tags({ name, response, query }: Call): void {
    if (!this.#store.exists(name)) throw new RegistryError("NAME_UNKNOWN", `there is no repository ${name}`);
    const { page, next } = pageOf(this.#store.tags(name), query);
    if (next !== undefined) response.setHeader("Link", `</v2/${name}/tags/list?${next}>; rel="next"`);
    sendJson(response, 200, { name, tags: page });
  }

  referrers({ name, reference, response, query }: Call): void {
    if (!isDigest(reference)) throw new RegistryError("DIGEST_INVALID", `"${reference}" is no digest`);
    const type = query.get("artifactType");
    const all = this.#store.referrers(name, reference);
    const manifests =
      type === null || type === "" ? all : all.filter(({ artifactType }) => artifactType === type);
    if (type !== null && type !== "") response.setHeader("OCI-Filters-Applied", "artifactType");
    sendJson(response, 200, { schemaVersion: 2, mediaType: indexType, manifests }, indexType);
  }

  async manifest({ name, reference, request, response }: Call): Promise<void> {
    const found = this.#store.manifest(name, reference);
    if (found === undefined)
      throw new RegistryError("MANIFEST_UNKNOWN", `${name} has no manifest ${reference}`);
    response.setHeader("Docker-Content-Digest", found.digest);
    await this.#sendBlob(found.digest, found.mediaType, request, response);
  }

  async putManifest({ name, reference, request, response }: Call): Promise<void> {
    const content = await readAll(request, mostManifestBytes);
    const type = request.headers["content-type"]?.split(";")[0]?.trim();
    const { digest, subject } = await this.#store.putManifest(name, reference, content, type);
    if (!isDigest(reference)) this.#options.onPushed();
    response.setHeader("Docker-Content-Digest", digest);
    if (subject !== undefined) response.setHeader("OCI-Subject", subject);
    send(response, 201, { Location: `/v2/${name}/manifests/${digest}` });
  }

  async deleteManifest({ name, reference, response }: Call): Promise<void> {
    if (!(await this.#store.removeManifest(name, reference)))
      throw new RegistryError("MANIFEST_UNKNOWN", `${name} has no manifest ${reference}`);
    this.#store.collectGarbage();
    send(response, 202);
  }

  async blob({ name, reference, request, response }: Call): Promise<void> {
    // Clients of manifests that were pushed as such may ask for them as blobs.
    if (!this.#store.hasBlob(name, reference))
      throw new RegistryError("BLOB_UNKNOWN", `${name} has no blob ${reference}`);
    response.setHeader("Docker-Content-Digest", reference);
    await this.#sendBlob(reference, "application/octet-stream", request, response);
  }

  deleteBlob({ name, reference, response }: Call): void {
    if (!this.#store.removeBlob(name, reference))
      throw new RegistryError("BLOB_UNKNOWN", `${name} has no blob ${reference}`);
    this.#store.collectGarbage();
    send(response, 202);
  }

  async beginUpload(call: Call): Promise<void> {
    const { name, query, request, response } = call;
    // Refuses names that are none before anything is written.
    this.#store.exists(name);
    const mount = query.get("mount");
    const from = query.get("from");
    if (mount !== null && isDigest(mount)) {
      const owner = from === null || from === "" ? this.#store.ownerOf(mount) : from;
      if (owner !== undefined && this.#store.hasBlob(owner, mount)) {
        this.#store.linkBlob(name, mount);
        sendCreated(response, name, mount);
        return;
      }
    }
    const id = await this.#store.blobs.begin();
    if (query.get("digest") === null) {
      request.resume();
      sendUpload(response, 202, name, id, 0);
    } else await this.endUpload({ ...call, reference: id });
  }

  upload({ name, reference, response }: Call): void {
    sendUpload(response, 204, name, reference, this.#received(reference));
  }

  async goOn({ name, reference, request, response }: Call): Promise<void> {
    this.#checkRange(reference, request);
    const size = await this.#store.blobs.append(reference, request);
    sendUpload(response, 202, name, reference, size);
  }

  async endUpload({ name, reference, query, request, response }: Call): Promise<void> {
    const digest = query.get("digest") ?? "";
    if (!isDigest(digest)) throw new RegistryError("DIGEST_INVALID", `"${digest}" is no digest`);
    this.#checkRange(reference, request);
    await this.#store.blobs.append(reference, request);
    await this.#store.blobs.finish(reference, digest);
    this.#store.linkBlob(name, digest);
    sendCreated(response, name, digest);
  }

  cancelUpload({ reference, response }: Call): void {
    if (!this.#store.blobs.cancel(reference)) throw unknownUpload(reference);
    send(response, 204);
  }

  #received(id: string): number {
    const size = this.#store.blobs.received(id);
    if (size === undefined) throw unknownUpload(id);
    return size;
  }

  #checkRange(id: string, { headers }: IncomingMessage): void {
    const received = this.#received(id);
    const range = headers["content-range"];
    if (range === undefined) return;
    const [, start = "", end = ""] = /^(?:bytes )?(\d+)-(\d+)/.exec(range) ?? [];
    if (Number(start) !== received || start === "" || Number(end) < Number(start))
      throw new RegistryError(
        "RANGE_INVALID",
        `${range} does not go on from the ${received} bytes that have come`,
      );
  }

  async #sendBlob(
    digest: string,
    type: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { blobs } = this.#store;
    const size = blobs.size(digest);
    const path = blobs.path(digest);
    if (size === undefined || path === undefined)
      throw new RegistryError("BLOB_UNKNOWN", `${digest} is gone`);
    response
      .setHeader("Content-Type", type)
      .setHeader("Accept-Ranges", "bytes")
      .setHeader("ETag", `"${digest}"`);
    const { range } = request.headers;
    const asked = range === undefined ? undefined : rangeOf(range, size);
    if (asked === "outside") {
      response.setHeader("Content-Range", `bytes */${size}`);
      throw new RegistryError("RANGE_INVALID", `${range} is outside the ${size} bytes`);
    }
    const { start, end } = asked ?? { start: 0, end: size - 1 };
    if (asked !== undefined) response.setHeader("Content-Range", `bytes ${start}-${end}/${size}`);
    response.writeHead(asked === undefined ? 200 : 206, { "Content-Length": end - start + 1 });
    if (request.method === "HEAD" || size === 0) response.end();
    else await pipeline(createReadStream(path, { start, end }), response);
  }
}

/** No page of another site may push or pull through the browser of whoever has a cluster up. */
function checkOrigin({ headers }: IncomingMessage): void {
  const host = (headers.host ?? "").replace(/:\d+$/, "");
  if (headers.origin !== undefined || !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(host))
    throw new RegistryError("DENIED", `the registry answers on localhost only, not for "${host}"`);
}

function unknownUpload(id: string): RegistryError {
  return new RegistryError("BLOB_UPLOAD_UNKNOWN", `there is no upload ${id}: begin a new one`);
}

/** The one range of a request; undefined where it asks for none that is known, and so for all. */
function rangeOf(
  header: string,
  size: number,
): { readonly start: number; readonly end: number } | "outside" | undefined {
  const [all, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  if (all === undefined || (first === "" && last === "")) return undefined;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return start > end ? "outside" : { start, end };
}

function pageOf(
  all: readonly string[],
  query: URLSearchParams,
): { readonly page: readonly string[]; readonly next: string | undefined } {
  const last = query.get("last");
  const asked = query.get("n");
  const count = asked === null || !/^\d+$/.test(asked) ? mostListed : Math.min(Number(asked), mostListed);
  const rest = last === null ? all : all.filter((each) => each > last);
  const page = rest.slice(0, count);
  const next =
    count === 0 || page.length === rest.length
      ? undefined
      : `n=${count}&last=${encodeURIComponent(page.at(-1) ?? "")}`;
  return { page, next };
}

async function readAll(request: IncomingMessage, most: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    // All of it is read: who is still sending hears no answer.
    if (size <= most) pieces.push(piece);
  }
  if (size > most) throw new RegistryError("SIZE_INVALID", `a manifest may have ${most} bytes at most`);
  return Buffer.concat(pieces);
}

function sendUpload(response: ServerResponse, status: number, name: string, id: string, size: number): void {
  send(response, status, {
    Location: `/v2/${name}/blobs/uploads/${id}`,
    Range: `0-${Math.max(0, size - 1)}`,
    "Docker-Upload-UUID": id,
  });
}

function sendCreated(response: ServerResponse, name: string, digest: string): void {
  send(response, 201, { Location: `/v2/${name}/blobs/${digest}`, "Docker-Content-Digest": digest });
}

function send(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "Content-Length": 0, ...headers });
  response.end();
}

function sendJson(response: ServerResponse, status: number, value: object, type = "application/json"): void {
  const text = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { "Content-Type": type, "Content-Length": text.length });
  response.end(response.req.method === "HEAD" ? undefined : text);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
