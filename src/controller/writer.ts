import type { KubernetesObject } from "../api/core.ts";
import type { Resource } from "../api/resources.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { type EventWriter, eventWriter } from "../kubernetes/event-recorder.ts";
import type { OwnWrites } from "./own-writes.ts";

/** The object as it was when the decision to write it was made. */
export interface Precondition {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** One write to one object. */
export interface Target {
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
}

/** What the caches have of an object now. */
type Held = (resource: Resource, object: KubernetesObject) => KubernetesObject | undefined;

/** The only way in which the controller changes the cluster. Every write is remembered until it comes back. */
export class Writer implements EventWriter {
  readonly #client: KubernetesClient;
  readonly #events: EventWriter;
  readonly #ownWrites: OwnWrites;
  readonly #held: Held;

  constructor(client: KubernetesClient, ownWrites: OwnWrites, held: Held) {
    this.#client = client;
    this.#events = eventWriter(client);
    this.#ownWrites = ownWrites;
    this.#held = held;
  }

  /** `owner` is the key on whose behalf it is written: its next pass waits until this comes back through the watch. */
  async create(
    owner: string,
    { resource, namespace }: Omit<Target, "name">,
    object: object,
  ): Promise<KubernetesObject> {
    return this.#wrote(owner, resource, await this.#client.create(resource, namespace, object));
  }

  async patch(
    owner: string,
    { resource, namespace, name }: Target,
    seen: Precondition,
    patch: object,
    subresource?: string,
  ): Promise<KubernetesObject> {
    const { uid, resourceVersion } = seen;
    const metadata = { ...("metadata" in patch ? Object(patch.metadata) : {}), uid, resourceVersion };
    const body = { ...patch, metadata };
    const options = { type: "merge", body, ...(subresource === undefined ? {} : { subresource }) } as const;
    return this.#wrote(owner, resource, await this.#client.patch(resource, namespace, name, options));
  }

  async delete(owner: string, { resource, namespace, name }: Target, seen: Precondition): Promise<void> {
    const { uid, resourceVersion } = seen;
    await this.#client.delete(resource, namespace, name, {
      uid,
      resourceVersion,
      propagationPolicy: "Background",
    });
    const object = { apiVersion: "", kind: resource.kind, metadata: { namespace, name, uid } };
    this.#ownWrites.deleted(owner, object, this.#held(resource, object));
  }

  /** An Event: nobody waits for it, and it has no precondition. */
  async createEvent(namespace: string, event: object): Promise<void> {
    await this.#events.createEvent(namespace, event);
  }

  async patchEvent(namespace: string, name: string, patch: object): Promise<void> {
    await this.#events.patchEvent(namespace, name, patch);
  }

  #wrote(owner: string, resource: Resource, answer: KubernetesObject): KubernetesObject {
    const written = { ...answer, kind: resource.kind };
    this.#ownWrites.wrote(owner, written, this.#held(resource, written));
    return written;
  }
}
