import type { KubernetesObject } from "../api/core.ts";
import { pathOf, type Resource } from "../api/resources.ts";
import type { Cancel } from "../time/clock.ts";
import { ApiError } from "./errors.ts";
import { isRecord } from "./is-record.ts";
import type { ApiRequest, Transport, WatchSink } from "./transport.ts";

export interface ObjectList<T> {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly T[];
}

/** What a server has answered to a list, with what is no object of any kind set aside. */
export interface Page<T> extends ObjectList<T> {
  readonly nameless: readonly unknown[];
}

export interface ListOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
}

export interface WatchOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Tells what happened after this version; all objects first when absent. */
  readonly resourceVersion?: string | undefined;
  /** When the server ends the watch in good order. */
  readonly timeoutSeconds?: number | undefined;
}

export interface DeleteOptions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan" | undefined;
}

const patchTypes = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
} as const;

export interface PatchOptions {
  readonly type: keyof typeof patchTypes;
  readonly body: unknown;
  readonly subresource?: string;
}

/** Objects of the Kubernetes API, read and written one at a time. Every refusal is thrown as an `ApiError`. */
export class KubernetesClient {
  readonly transport: Transport;
  readonly #userAgent: string;

  constructor(transport: Transport, userAgent = "teal") {
    this.transport = transport;
    this.#userAgent = userAgent;
  }

  /** The same client, whose requests go another way. */
  through(way: (transport: Transport) => Transport): KubernetesClient {
    return new KubernetesClient(way(this.transport), this.#userAgent);
  }

  get<T extends KubernetesObject>(
    resource: Resource,
    namespace: string | undefined,
    name: string,
  ): Promise<T> {
    return this.#object<T>({ method: "GET", path: pathOf(resource, namespace, name) });
  }

  /** One page; `metadata.continue` is set when there are more. Refuses one with an item that has no name. */
  async list<T extends KubernetesObject>(
    resource: Resource,
    options: ListOptions = {},
  ): Promise<ObjectList<T>> {
    const { nameless, ...list } = await this.page<T>(resource, options);
    if (nameless.length > 0) throw noAnswer(`a list of ${resource.plural} has an item without a name`);
    return list;
  }

  /** The same, for who can do with the items that have a name. */
  async page<T extends KubernetesObject>(resource: Resource, options: ListOptions): Promise<Page<T>> {
    const { namespace, ...rest } = options;
    const path = pathOf(resource, namespace);
    const body = await this.#send({ method: "GET", path, query: queryOf(rest) });
    // Servers write null for an empty list.
    const items = isRecord(body) && body["items"] === null ? [] : isRecord(body) && body["items"];
    if (!Array.isArray(items)) throw noAnswer(`the answer to GET ${path} is no list`);
    return {
      ...(body as ObjectList<T>),
      items: items.filter((item): item is T => hasName(item)),
      nameless: items.filter((item) => !hasName(item)),
    };
  }

  /** Tells `sink` what happens to the objects, with bookmarks, until it ends or is cancelled. */
  watch(resource: Resource, options: WatchOptions, sink: WatchSink): Cancel {
    const { namespace, ...rest } = options;
    const query = { ...queryOf(rest), watch: "true", allowWatchBookmarks: "true" };
    const path = pathOf(resource, namespace);
    return this.transport.watch({ method: "GET", path, query, userAgent: this.#userAgent }, sink);
  }

  create<T extends KubernetesObject>(
    resource: Resource,
    namespace: string | undefined,
    object: object,
  ): Promise<T> {
    return this.#object<T>({ method: "POST", path: pathOf(resource, namespace), body: object });
  }

  /** Replaces the whole object; refused with `conflict` when `metadata.resourceVersion` is set and no longer current. */
  update<T extends KubernetesObject>(
    resource: Resource,
    object: KubernetesObject,
    subresource?: string,
  ): Promise<T> {
    const { namespace, name } = object.metadata;
    return this.#object<T>({
      method: "PUT",
      path: pathOf(resource, namespace, name, subresource),
      body: object,
    });
  }

  /** A merge patch that carries `metadata.resourceVersion` or `metadata.uid` is refused with `conflict` when it differs. */
  patch<T extends KubernetesObject>(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    patch: PatchOptions,
  ): Promise<T> {
    return this.#object<T>({
      method: "PATCH",
      path: pathOf(resource, namespace, name, patch.subresource),
      body: patch.body,
      contentType: patchTypes[patch.type],
    });
  }

  async delete(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    options: DeleteOptions = {},
  ): Promise<void> {
    const { uid, resourceVersion, ...rest } = options;
    const preconditions =
      uid === undefined && resourceVersion === undefined ? {} : { preconditions: { uid, resourceVersion } };
    const body = { apiVersion: "v1", kind: "DeleteOptions", ...rest, ...preconditions };
    await this.#send({ method: "DELETE", path: pathOf(resource, namespace, name), body });
  }

  /** Any other request, for endpoints that are no plain objects (`/version`, `pods/log`). */
  async raw(request: ApiRequest): Promise<unknown> {
    return this.#send(request);
  }

  async #object<T extends KubernetesObject>(request: ApiRequest): Promise<T> {
    const body = await this.#send(request);
    if (hasMetadata(body)) return body as unknown as T;
    throw noAnswer(`the answer to ${request.method} ${request.path} is no object`);
  }

  async #send(request: ApiRequest): Promise<unknown> {
    const { code, body, retryAfterSeconds } = await this.transport.request({
      userAgent: this.#userAgent,
      ...request,
    });
    if (code >= 400) throw ApiError.fromResponse(code, body, retryAfterSeconds);
    return body;
  }
}

function hasMetadata(body: unknown): body is { readonly metadata: Readonly<Record<string, unknown>> } {
  return isRecord(body) && isRecord(body["metadata"]);
}

function hasName(item: unknown): boolean {
  if (!hasMetadata(item)) return false;
  const { name, namespace = "" } = item.metadata;
  return typeof name === "string" && name !== "" && typeof namespace === "string";
}

/** Something has answered, but not a Kubernetes API. */
function noAnswer(what: string): ApiError {
  return new ApiError("unreachable", `${what}; is a proxy or another program at the server's address?`);
}

function queryOf(options: Readonly<Record<string, string | number | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  );
}
