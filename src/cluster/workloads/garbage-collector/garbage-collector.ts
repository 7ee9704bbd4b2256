import type { KubernetesObject, OwnerReference } from "../../../api/core.ts";
import type { Resource } from "../../../api/resources.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { unlessGone } from "../../../kubernetes/errors.ts";
import type { Queue } from "../../../kubernetes/queue.ts";
import type { Cancel } from "../../../time/clock.ts";
import { workQueue } from "../../work-queue.ts";
import type { WorkloadController, WorkloadOptions } from "../workload-controller.ts";
import type { ServedChange, ServedObject, ServedObjects } from "./served-objects.ts";

const foreground = "foregroundDeletion";
const orphan = "orphan";
const rememberedDeletions = 1000;

/** How an owner that an object names stands: there, being deleted after its dependents, gone, or of a kind not served. */
type Standing = "there" | "waiting" | "gone" | "unknown";

/** Deletes what is owned by objects that are gone, and holds back or orphans dependents of those being deleted. */
export class GarbageCollector implements WorkloadController {
  readonly #client: KubernetesClient;
  readonly #served: ServedObjects;
  readonly #queue: Queue;
  // Keys carry an object's place; the resource behind the first part is needed to reach it.
  readonly #resources = new Map<string, Resource>();
  // Of owners that were seen to go. When a whole kind goes, nobody can be asked for its objects any more.
  readonly #gone = new Set<string>();
  #unsubscribe: Cancel | undefined;

  constructor(options: WorkloadOptions) {
    this.#client = options.client;
    this.#served = options.served;
    this.#queue = workQueue({
      clock: options.clock,
      work: (key) => this.#sync(key),
      onProblem: (problem) => options.onProblem(`Garbage collection of ${problem}`),
    });
  }

  start(): void {
    this.#unsubscribe = this.#served.subscribe((change) => this.#changed(change));
    for (const { resource, object } of this.#served.list()) this.#addIfConcerned(resource, object);
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    await this.#queue.stop();
  }

  #changed({ type, resource, object, previous }: ServedChange): void {
    if (type === "deleted") {
      this.#rememberGone(object.metadata.uid ?? "");
      for (const dependent of this.#served.dependentsOf(object.metadata.uid ?? "")) this.#add(dependent);
    } else {
      this.#addIfConcerned(resource, object);
    }
    // An owner that waits for its dependents learns of each that goes or stops being one.
    for (const version of previous === undefined ? [object] : [previous, object]) {
      for (const owner of version.metadata.ownerReferences ?? []) {
        const found = this.#cached(owner, version);
        if (found !== undefined && isWaiting(found.object)) this.#add(found);
      }
    }
  }

  #rememberGone(uid: string): void {
    this.#gone.add(uid);
    const [oldest] = this.#gone;
    if (oldest !== undefined && this.#gone.size > rememberedDeletions) this.#gone.delete(oldest);
  }

  #addIfConcerned(resource: Resource, object: KubernetesObject): void {
    const { ownerReferences = [], deletionTimestamp } = object.metadata;
    if (ownerReferences.length > 0 || deletionTimestamp !== undefined) this.#add({ resource, object });
  }

  #add({ resource, object }: { readonly resource: Resource; readonly object: KubernetesObject }): void {
    const kind = `${resource.plural}.${resource.version}.${resource.group}`;
    this.#resources.set(kind, resource);
    this.#queue.add(`${kind}/${object.metadata.namespace ?? ""}/${object.metadata.name}`);
  }

  async #sync(key: string): Promise<undefined> {
    const [kind = "", namespace = "", name = ""] = key.split("/");
    const resource = this.#resources.get(kind);
    if (resource === undefined) return;
    const object = this.#served.get(resource, namespace, name);
    if (object === undefined) return;
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    if (deletionTimestamp === undefined) await this.#collect(resource, object);
    else if (finalizers.includes(orphan)) await this.#orphanDependents(resource, object);
    else if (finalizers.includes(foreground)) await this.#deleteDependents(resource, object);
  }

  /** Deletes the object when none of its owners is left, else strikes out those that are not. */
  async #collect(resource: Resource, object: KubernetesObject): Promise<void> {
    const owners = object.metadata.ownerReferences ?? [];
    if (owners.length === 0) return;
    const standings = await Promise.all(owners.map((owner) => this.#standingOf(owner, object)));
    const left = owners.filter((_, n) => standings[n] === "there" || standings[n] === "unknown");
    if (left.length === owners.length) return;
    if (left.length > 0) {
      await this.#patchMetadata(resource, object, { ownerReferences: left });
      return;
    }
    // Under an owner that waits, what the object itself owns is to go before it.
    const { uid = "" } = object.metadata;
    const propagationPolicy =
      standings.includes("waiting") && this.#served.dependentsOf(uid).length > 0
        ? "Foreground"
        : "Background";
    await this.#delete(resource, object, propagationPolicy);
  }

  async #deleteDependents(resource: Resource, owner: KubernetesObject): Promise<void> {
    const { uid = "", finalizers = [] } = owner.metadata;
    const dependents = this.#served.dependentsOf(uid);
    const blocking = dependents.filter(({ object }) =>
      object.metadata.ownerReferences?.some(
        (reference) => reference.uid === uid && reference.blockOwnerDeletion === true,
      ),
    );
    for (const dependent of dependents) this.#add(dependent);
    if (blocking.length === 0)
      await this.#patchMetadata(resource, owner, {
        finalizers: finalizers.filter((finalizer) => finalizer !== foreground),
      });
  }

  async #orphanDependents(resource: Resource, owner: KubernetesObject): Promise<void> {
    const { uid = "", finalizers = [] } = owner.metadata;
    for (const dependent of this.#served.dependentsOf(uid)) {
      const ownerReferences = (dependent.object.metadata.ownerReferences ?? []).filter(
        (reference) => reference.uid !== uid,
      );
      await this.#patchMetadata(dependent.resource, dependent.object, { ownerReferences });
    }
    await this.#patchMetadata(resource, owner, {
      finalizers: finalizers.filter((finalizer) => finalizer !== orphan),
    });
  }

  async #standingOf(owner: OwnerReference, dependent: KubernetesObject): Promise<Standing> {
    const resource = this.#served.resourceOf(owner.apiVersion, owner.kind);
    // An object of the whole cluster cannot say in which namespace its owner would be; Kubernetes leaves such ones alone too.
    const isBeyondNamespaces = resource?.namespaced === true && dependent.metadata.namespace === undefined;
    if (isBeyondNamespaces) return "unknown";
    if (this.#gone.has(owner.uid)) return "gone";
    if (resource === undefined) return "unknown";
    const cached = this.#cached(owner, dependent)?.object;
    // What the cache does not show may be newer than the cache: only the API server knows that an owner is gone.
    const found = cached ?? (await this.#read(resource, owner, dependent));
    if (found?.metadata.uid !== owner.uid) return "gone";
    return isWaiting(found) ? "waiting" : "there";
  }

  #cached(owner: OwnerReference, dependent: KubernetesObject): ServedObject | undefined {
    const resource = this.#served.resourceOf(owner.apiVersion, owner.kind);
    if (resource === undefined) return undefined;
    const object = this.#served.get(resource, namespaceOf(resource, dependent), owner.name);
    if (object === undefined || object.metadata.uid !== owner.uid) return undefined;
    return { resource, object };
  }

  #read(resource: Resource, owner: OwnerReference, dependent: KubernetesObject) {
    return this.#client
      .get<KubernetesObject>(resource, namespaceOf(resource, dependent), owner.name)
      .catch(unlessGone);
  }

  async #delete(
    resource: Resource,
    object: KubernetesObject,
    propagationPolicy: "Foreground" | "Background",
  ): Promise<void> {
    const { namespace, name, uid, resourceVersion } = object.metadata;
    await this.#client
      .delete(resource, namespace, name, { uid, resourceVersion, propagationPolicy })
      .catch(unlessGone);
  }

  async #patchMetadata(resource: Resource, object: KubernetesObject, metadata: object): Promise<void> {
    const { namespace, name, uid, resourceVersion } = object.metadata;
    const body = { metadata: { uid, resourceVersion, ...metadata } };
    await this.#client.patch(resource, namespace, name, { type: "merge", body }).catch(unlessGone);
  }
}

function isWaiting({ metadata }: KubernetesObject): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(foreground);
}

function namespaceOf(resource: Resource, dependent: KubernetesObject): string {
  return resource.namespaced ? (dependent.metadata.namespace ?? "") : "";
}
