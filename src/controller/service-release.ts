import { namespaceAndName } from "../api/metadata.ts";
import { instanceIdLabel, podTemplateHashLabel } from "../api/names.ts";
import { resources } from "../api/resources.ts";
import type { Rollout } from "../api/rollout.ts";
import { keyOfRoute, routesOf } from "../api/strategy.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { ApiError, unlessGone } from "../kubernetes/errors.ts";
import type { PassResult } from "../kubernetes/queue.ts";
import { routers } from "../traffic/routers.ts";
import type { Caches } from "./caches.ts";
import type { Writer } from "./writer.ts";

export interface ServiceReleaseOptions {
  readonly client: KubernetesClient;
  readonly caches: Caches;
  readonly writer: Writer;
  readonly instanceId: string | undefined;
  readonly log: (text: string) => void;
}

/**
 * Gives a Service back when the Rollout that managed it is gone or no longer names it: without the hash in its selector
 * it goes on with whatever pods its owner starts next, instead of selecting a version that is no more.
 */
export class ServiceRelease {
  readonly #options: ServiceReleaseOptions;
  readonly #problems = new Map<string, string>();

  constructor(options: ServiceReleaseOptions) {
    this.#options = options;
  }

  /** Looks at the Service with the key `namespace/name`. */
  async pass(key: string): Promise<PassResult> {
    try {
      await this.#release(key);
      this.#problems.delete(key);
      return { is: "done" };
    } catch (error) {
      return this.#failed(key, error);
    }
  }

  async #release(key: string): Promise<void> {
    const { caches, writer, log } = this.#options;
    const [namespace, name] = namespaceAndName(key);
    const service = caches.services.get(namespace, name);
    const owner = service && routers.service.sets.ownerOf(service);
    if (service === undefined || owner === undefined) return;
    const route = keyOfRoute({ kind: "service", namespace, name });
    const isNamed = caches.rollouts.by("route", route).length > 0;
    if (isNamed || this.#needs(caches.rollouts.get(namespace, owner), name)) return;
    // The cache has no Rollouts of other instances, and may be late: what decides is the server's word.
    if (this.#needs(await this.#fresh(namespace, owner), name)) return;
    const { resource, seen, patch } = routers.service.sets.release(service, podTemplateHashLabel);
    await writer.patch(`Service ${key}`, { resource, ...seen }, seen, patch);
    log(`${key}: released the Service: Rollout ${owner} does not use it any more`);
  }

  /** Only a blue-green Rollout of this instance is known well enough to say that it does not. */
  #needs(rollout: Rollout | undefined, service: string): boolean {
    if (rollout === undefined) return false;
    const isOurs = rollout.metadata.labels?.[instanceIdLabel] === this.#options.instanceId;
    const isNamed = routesOf(rollout).some(({ kind, name }) => kind === "service" && name === service);
    return !isOurs || isNamed || rollout.spec.strategy?.blueGreen === undefined;
  }

  #fresh(namespace: string, name: string): Promise<Rollout | undefined> {
    return this.#options.client.get<Rollout>(resources.rollouts, namespace, name).catch(unlessGone);
  }

  #failed(key: string, error: unknown): PassResult {
    const kind = error instanceof ApiError ? error.kind : undefined;
    if (kind === "conflict" || kind === "notFound") return { is: "failed", slowly: false };
    const text = `cannot release the Service: ${error instanceof Error ? error.message : String(error)}`;
    if (this.#problems.get(key) !== text) this.#options.log(`${key}: ${text}`);
    this.#problems.set(key, text);
    const retryAfter = error instanceof ApiError ? error.retryAfterSeconds : undefined;
    return { is: "failed", slowly: kind !== "retryable" && kind !== "unreachable", retryAfter };
  }
}
