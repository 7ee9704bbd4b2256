import type { KubernetesObject, Pod } from "../../api/core.ts";
import type { ApiRequest, ApiResponse, Transport, WatchSink } from "../../kubernetes/transport.ts";
import type { Cancel, Clock } from "../../time/clock.ts";
import type { Addresses } from "../addresses.ts";
import { WriteFailed } from "../store/journal.ts";
import type { Store } from "../store/store.ts";
import { Access, type AccessOptions, ownUser } from "./access/access.ts";
import { firstRoleObjects } from "./access/rbac/first-roles.ts";
import { rbacGroup } from "./access/rbac/roles.ts";
import type { Review } from "./access/reviews.ts";
import { AccessUpkeep } from "./access/upkeep.ts";
import { cleanupFinalizer } from "./custom/definition.ts";
import { EventExpiry } from "./event-expiry.ts";
import { type Fields, fieldsOf, textOf } from "./json.ts";
import type { Kind } from "./kind.ts";
import { definitions, KindRegistry } from "./kind-registry.ts";
import type { ApiObject } from "./kinds/rules.ts";
import { listBody, listObjects, selectorOf } from "./list.ts";
import type { PodStream } from "./node-door.ts";
import { type DeletionOptions, deletionOptions, integerIn, writeOptions } from "./options.ts";
import { parsePath, type Target } from "./paths.ts";
import type { Written } from "./proposal.ts";
import {
  badRequest,
  internalError,
  methodNotAllowed,
  noSuchResource,
  notFound,
  notOffered,
  qualified,
  Refusal,
} from "./refusal.ts";
import type { ResourceInfo } from "./resource-info.ts";
import { isOnlyElsewhere } from "./schema-data.ts";
import { ServiceAddresses } from "./service-addresses.ts";
import type { PodLogs } from "./subresources/pod-logs.ts";
import { isStreamVerb, podStreamOf } from "./subresources/pod-streams.ts";
import { podLogOf, type SubresourceCall, subresourceAnswer, writeAsAsked } from "./subresources/table.ts";
import { withWarnings } from "./success.ts";
import { refuseWatch, WatchFeed } from "./watch-feed.ts";
import { type Deleted, type Place, Writer } from "./writer.ts";

export interface ApiServerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly addresses: Addresses;
  /** Whether somebody listens on this port of 127.0.0.1, so that it is no node port to give away. */
  readonly isPortInUse?: (port: number) => boolean;
  /** Where containers' logs are; without it, `pods/log` answers nothing. */
  readonly podLogs?: PodLogs;
  /** Who may do what: everybody may do everything, and there are no roles to begin with, when it is absent. */
  readonly access?: AccessOptions;
  /** From 0 to 1, for uids and generated names. */
  readonly random?: () => number;
}

type Query = Readonly<Record<string, string>>;

/** A request as it concerns one kind. */
interface Call {
  readonly kind: Kind;
  readonly target: Target;
  readonly query: Query;
  readonly request: ApiRequest;
}

const verbs = { GET: "get", POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" } as const;
const ownRequest = { userAgent: "kube-apiserver" };
const firstNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

/**
 * A Kubernetes API server within this process: kinds, rules and answers are those of the real one. Who asks has been found out
 * before (`ApiRequest.user`).
 * Everything waits on promises and the clock only. Objects in answers and events are the stored ones, frozen.
 */
export class ApiServer implements Transport {
  readonly #store: Store;
  readonly #clock: Clock;
  /** Who may do what. */
  readonly access: Access;
  readonly #accessUpkeep: AccessUpkeep;
  readonly #podLogs: PodLogs | undefined;
  readonly #kinds: KindRegistry;
  readonly #writer: Writer;
  readonly #eventExpiry: EventExpiry;
  readonly #feeds = new Map<string, Set<WatchFeed>>();

  constructor(options: ApiServerOptions) {
    const { store, clock, addresses, isPortInUse, podLogs, access, random = Math.random } = options;
    this.#store = store;
    this.#clock = clock;
    this.access = new Access(store, clock, access);
    this.#accessUpkeep = new AccessUpkeep(store, this.access);
    this.#podLogs = podLogs;
    this.#kinds = new KindRegistry(store, (collection) => this.#endFeeds(collection));
    this.#writer = new Writer({
      store,
      clock,
      random,
      serviceAddresses: new ServiceAddresses(addresses, store, "services", isPortInUse),
      isServed: (apiVersion, kind) => this.#kinds.isServed(apiVersion, kind),
      check: ({ info }, object, old, user) => this.access.checkWrite(info, object, old, user),
      checkCreation: ({ kind, namespace, name }, user) =>
        this.access.checkCreation(kind.info, namespace, name, user),
    });
    this.#eventExpiry = new EventExpiry(store, clock);
    for (const name of firstNamespaces) this.#createFirst("", "namespaces", { metadata: { name } });
    if (access === undefined) return;
    for (const [plural, objects] of Object.entries(firstRoleObjects))
      for (const object of objects) this.#createFirst(rbacGroup, plural, object);
    this.#accessUpkeep.run();
  }

  /** All resources that are served now, in the order of discovery; the same array until they change. */
  resources(): readonly ResourceInfo[] {
    return this.#kinds.resources();
  }

  async request(request: ApiRequest): Promise<ApiResponse> {
    let call: Call | undefined;
    try {
      call = this.#call(request);
      if (call === undefined) return { code: 404, body: "404 page not found\n" };
      return withDeprecation(call.kind, await this.#answer(call));
    } catch (error) {
      return call === undefined ? refused(error) : withDeprecation(call.kind, refused(error));
    }
  }

  watch(request: ApiRequest, sink: WatchSink): Cancel {
    try {
      const call = this.#call(request);
      if (call === undefined || call.target.subresource !== undefined) throw noSuchResource();
      return this.#openFeed(call, sink);
    } catch (error) {
      if (error instanceof Refusal) return refuseWatch(sink, error);
      throw error;
    }
  }

  /** The log that a request for `pods/log` means, as it comes, until it or `signal` ends; or why there is none. */
  async podLog(request: ApiRequest, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | ApiResponse> {
    try {
      const call = this.#call(request);
      if (call === undefined || call.target.subresource !== "log") throw noSuchResource();
      const { kind, target } = call;
      const place: Place = { kind, namespace: target.namespace ?? "", name: target.name ?? "" };
      return (await podLogOf(this.#subresourceCall(call, place), signal)) ?? { code: 204, body: "" };
    } catch (error) {
      return refused(error);
    }
  }

  /** The stream that a request for a pod's subresource means, as `pods/exec`; or why there is none. */
  podStream(request: ApiRequest, query: URLSearchParams): PodStream | ApiResponse {
    try {
      const call = this.#call(request);
      const subresource = call?.target.subresource;
      if (call === undefined || call.target.plural !== "pods" || !isStreamVerb(subresource))
        throw badRequest("the requested resource is no stream: it takes no change of protocols");
      const { kind, target } = call;
      const place: Place = { kind, namespace: target.namespace ?? "", name: target.name ?? "" };
      return podStreamOf(subresource, this.#get(place) as unknown as Pod, query);
    } catch (error) {
      return refused(error);
    }
  }

  /** Ends all watches in good order. */
  close(): void {
    for (const collection of this.#feeds.keys()) this.#endFeeds(collection);
  }

  // Undefined for a path outside all served groups.
  #call(request: ApiRequest): Call | undefined {
    const target = parsePath(request.path);
    if (target === undefined) return undefined;
    const { group, version, plural, namespace, name, subresource } = target;
    const kind = this.#kinds.find(group, version, plural);
    if (kind === undefined) {
      if (isOnlyElsewhere(group, plural, undefined)) throw notOffered({ group, plural });
      if (group !== "" && !this.#kinds.hasGroupVersion(group, version)) return undefined;
      throw noSuchResource();
    }
    const isMisplaced = kind.info.namespaced
      ? namespace === undefined && name !== undefined
      : namespace !== undefined;
    const isUnknown =
      subresource !== undefined && !kind.info.subresources.some((one) => one.name === subresource);
    if (isUnknown && isOnlyElsewhere(group, plural, subresource)) throw notOffered(kind.info, subresource);
    if (isMisplaced || isUnknown) throw noSuchResource();
    return { kind, target, query: request.query ?? {}, request };
  }

  async #answer(call: Call): Promise<ApiResponse> {
    const { target } = call;
    if (target.name === undefined) return this.#answerCollection(call);
    const place: Place = { kind: call.kind, namespace: target.namespace ?? "", name: target.name };
    if (target.subresource !== undefined) return this.#answerSubresource(call, place, target.subresource);
    return this.#answerObject(call, place);
  }

  async #answerCollection(call: Call): Promise<ApiResponse> {
    const { kind, target, query, request } = call;
    if (kind.review !== undefined) return this.#answerReview(call, kind.review);
    switch (request.method) {
      case "GET":
        return ok(listObjects(this.#store, kind, target.namespace, query));
      case "POST": {
        if (kind.info.namespaced && target.namespace === undefined) throw methodNotAllowed();
        const options = writeOptions("CreateOptions", request);
        return this.#written(
          kind,
          await this.#writer.create(kind, target.namespace ?? "", request.body, options),
        );
      }
      case "DELETE":
        return this.#deleteCollection(call);
      case "PUT":
      case "PATCH":
        throw methodNotAllowed();
    }
  }

  // A question is neither stored nor counted as a write: its answer is the object with a status.
  #answerReview({ kind, target: { namespace = "" }, request }: Call, review: Review): ApiResponse {
    if (request.method !== "POST" || (kind.info.namespaced && namespace === "")) throw methodNotAllowed();
    const options = writeOptions("CreateOptions", request);
    const { user = ownUser, body } = request;
    const { object, warnings } = this.#writer.bodies.review(kind, namespace, body, options);
    const now = this.#clock.now();
    const answered = review({ info: kind.info, object, namespace, user, access: this.access, now });
    return withWarnings({ code: 201, body: answered }, warnings);
  }

  async #answerObject({ kind, query, request }: Call, place: Place): Promise<ApiResponse> {
    if (kind.review !== undefined) throw noSuchResource();
    switch (request.method) {
      case "GET":
        return ok(kind.show(this.#get(place)));
      case "PUT":
      case "PATCH":
        return this.#written(kind, await writeAsAsked(this.#writer, place, request));
      case "DELETE": {
        const options = deletionOptions(request.body, query, request.user);
        return this.#deleted(place, await this.#delete(place, options));
      }
      case "POST":
        throw methodNotAllowed();
    }
  }

  async #answerSubresource(call: Call, place: Place, subresource: string): Promise<ApiResponse> {
    const { kind, request } = call;
    const allowed = kind.info.subresources.find(({ name }) => name === subresource)?.verbs ?? [];
    if (!allowed.includes(verbs[request.method])) throw methodNotAllowed();
    const answer = subresourceAnswer(place, subresource);
    if (answer === undefined) throw notOffered(kind.info, subresource);
    const answered = await answer(this.#subresourceCall(call, place));
    this.#tidy(kind);
    return answered;
  }

  #subresourceCall({ query, request }: Call, place: Place): SubresourceCall {
    return {
      place,
      query,
      request,
      store: this.#store,
      writer: this.#writer,
      clock: this.#clock,
      access: this.access,
      podLogs: this.#podLogs,
      get: () => this.#get(place),
    };
  }

  #get({ kind, namespace, name }: Place): ApiObject {
    const object = this.#store.get(kind.collection, namespace, name);
    if (object === undefined) throw notFound(kind.info, name);
    return object as ApiObject;
  }

  #written(kind: Kind, { object, warnings, created: isNew }: Written): ApiResponse {
    this.#tidy(kind);
    return withWarnings({ code: isNew ? 201 : 200, body: kind.show(object) }, warnings);
  }

  #deleted({ kind, name }: Place, { object, gone }: Deleted): ApiResponse {
    if (!gone || kind.rules.deletionAnswer === "object") return ok(kind.show(object));
    const { group, plural } = kind.info;
    return ok({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: { name, ...(group === "" ? {} : { group }), kind: plural, uid: object.metadata.uid },
    });
  }

  async #delete(place: Place, options: DeletionOptions): Promise<Deleted> {
    const deleted = await this.#writer.delete(place, options);
    if (place.kind.collection === definitions && !options.dryRun) {
      const custom = this.#kinds.ofCollection(place.name);
      if (custom !== undefined)
        await this.#deleteAll(custom, this.#store.list(custom.collection), deletionOptions({}, {}));
      this.#dropEmptyDefinition(place.name);
    }
    this.#tidy(place.kind);
    return deleted;
  }

  async #deleteCollection({ kind, target, query, request }: Call): Promise<ApiResponse> {
    const options = deletionOptions(request.body, query, request.user);
    integerIn(query.limit);
    const matches = selectorOf(kind, query, undefined);
    const objects = this.#store.list(kind.collection, target.namespace);
    const meant = matches === undefined ? objects : objects.filter(matches);
    const deleted = await this.#deleteAll(kind, meant, options);
    return ok(listBody(kind, deleted, this.#store.version));
  }

  async #deleteAll(
    kind: Kind,
    objects: readonly KubernetesObject[],
    options: DeletionOptions,
  ): Promise<KubernetesObject[]> {
    const deleted: KubernetesObject[] = [];
    for (const { metadata } of objects) {
      const place = { kind, namespace: metadata.namespace ?? "", name: metadata.name };
      // Somebody else was quicker.
      if (this.#store.get(kind.collection, place.namespace, place.name) === undefined) continue;
      deleted.push(kind.show((await this.#delete(place, options)).object));
    }
    return deleted;
  }

  // What a write may make due: what follows from rights and accounts, old events, or a definition that waited for its last object to go.
  #tidy(kind: Kind): void {
    this.#accessUpkeep.run();
    if (kind.collection === "events") this.#eventExpiry.sweep();
    if (kind.info.custom) this.#dropEmptyDefinition(qualified(kind.info));
  }

  #dropEmptyDefinition(name: string): void {
    const definition = this.#store.get(definitions, "", name);
    if (definition?.metadata.deletionTimestamp === undefined || this.#store.size(name) > 0) return;
    const held = definition.metadata.finalizers ?? [];
    const finalizers = held.filter((finalizer) => finalizer !== cleanupFinalizer);
    if (finalizers.length === 0) this.#store.remove(definitions, "", name);
    else if (finalizers.length < held.length)
      this.#store.put(definitions, { ...definition, metadata: { ...definition.metadata, finalizers } });
  }

  #openFeed({ kind, target, query }: Call, sink: WatchSink): Cancel {
    const { namespace, name } = target;
    const feeds = this.#feeds.get(kind.collection) ?? new Set<WatchFeed>();
    this.#feeds.set(kind.collection, feeds);
    const whenEnded = (error?: Error): void => {
      feeds.delete(feed);
      sink.ended(error);
    };
    const feed: WatchFeed = new WatchFeed(
      this.#store,
      this.#clock,
      { kind, namespace, name, query },
      {
        opened: () => sink.opened?.(),
        event: (event) => sink.event(event),
        holds: (resume) => sink.holds?.(resume) ?? false,
        ended: whenEnded,
      },
    );
    feeds.add(feed);
    return () => {
      feeds.delete(feed);
      feed.cancel();
    };
  }

  #endFeeds(collection: string): void {
    for (const feed of this.#feeds.get(collection) ?? []) feed.end();
  }

  // What every cluster begins with; what is there already stays as it is.
  #createFirst(group: string, plural: string, object: Fields): void {
    const kind = this.#kinds.find(group, "v1", plural);
    if (kind === undefined) throw new Error(`${plural} are not served`);
    if (this.#store.get(kind.collection, "", textOf(fieldsOf(object.metadata).name)) !== undefined) return;
    void this.#writer.create(kind, "", object, writeOptions("CreateOptions", ownRequest));
  }
}

function withDeprecation({ info: { deprecation } }: Kind, response: ApiResponse): ApiResponse {
  return deprecation === undefined
    ? response
    : withWarnings(response, [deprecation, ...(response.warnings ?? [])]);
}

function ok(body: KubernetesObject | object): ApiResponse {
  return { code: 200, body };
}

// Anything that is no refusal is a fault of this program and is thrown on.
function refused(error: unknown): ApiResponse {
  const refusal = error instanceof WriteFailed ? writeRefusal(error) : error;
  if (!(refusal instanceof Refusal)) throw error;
  return { code: refusal.status.code, body: refusal.status };
}

// As a real API server answers what its store cannot take; a full disk is told apart, since people can do something about it.
function writeRefusal({ message, isDiskFull }: WriteFailed): Refusal {
  if (!isDiskFull) return internalError(message);
  const wayOut =
    "nothing was changed; free some space on the disk of the data folder, then ask again (objects can be deleted meanwhile)";
  return new Refusal(507, "InsufficientStorage", `${message}: ${wayOut}`, {});
}
