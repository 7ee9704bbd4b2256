import { namespaceAndName } from "../api/metadata.ts";
import { instanceIdLabel, podTemplateHashLabel } from "../api/names.ts";
import { resources } from "../api/resources.ts";
import type { Rollout } from "../api/rollout.ts";
import { routesOf, strategyOf } from "../api/strategy.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { ApiError, unlessGone } from "../kubernetes/errors.ts";
import type { PassResult } from "../kubernetes/queue.ts";
import { courseOf } from "../rollout/strategies.ts";
import type { SetKind } from "../traffic/router.ts";
import { routerOf, setKinds } from "../traffic/routers.ts";
import type { Caches } from "./caches.ts";
import type { Writer } from "./writer.ts";

export interface RouteReleaseOptions {
  readonly client: KubernetesClient;
  readonly caches: Caches;
  readonly writer: Writer;
  readonly instanceId: string | undefined;
  readonly log: (text: string) => void;
}

/**
 * Gives what a route was set on back when the Rollout that it was set for is gone or no longer names it: a Service, without the
 * hash in its selector, goes on with whatever pods its owner starts next, instead of selecting a version that is no more.
 */
export class RouteRelease {
  readonly #options: RouteReleaseOptions;
  readonly #problems = new Map<string, string>();

  constructor(options: RouteReleaseOptions) {
    this.#options = options;
  }

  /** Looks at the object with this key (`objectKeyOf`). */
  async pass(key: string): Promise<PassResult> {
    const [kindKey = "", place = ""] = key.split(" ");
    const kind = setKinds.get(kindKey);
    if (kind === undefined) throw new Error(`no router sets routes on ${kindKey}`);
    try {
      await this.#release(kind, key, place);
      this.#problems.delete(key);
      return { is: "done" };
    } catch (error) {
      return this.#failed(kind, key, place, error);
    }
  }

  async #release(kind: SetKind, key: string, place: string): Promise<void> {
    const { caches, writer, log } = this.#options;
    const [namespace, name] = namespaceAndName(place);
    const object = caches.objects.get(kind.resource, namespace, name);
    const owner = object && kind.ownerOf(object);
    if (object === undefined || owner === undefined) return;
    const isNamed = caches.rollouts.by("names", key).length > 0;
    if (isNamed || this.#needs(caches.rollouts.get(namespace, owner), key)) return;
    // The cache has no Rollouts of other instances, and may be late: what decides is the server's word.
    if (this.#needs(await this.#fresh(namespace, owner), key)) return;
    const { resource, seen, patch } = kind.release(object, podTemplateHashLabel);
    await writer.patch(key, { resource, ...seen }, seen, patch);
    log(`${place}: released the ${resource.kind}: Rollout ${owner} does not use it any more`);
  }

  /** Only a Rollout of this instance that Teal carries out is known well enough to say that it does not. */
  #needs(rollout: Rollout | undefined, key: string): boolean {
    if (rollout === undefined) return false;
    const isOurs = rollout.metadata.labels?.[instanceIdLabel] === this.#options.instanceId;
    const isNamed = routesOf(rollout).some((route) => routerOf(route).names(route).includes(key));
    return !isOurs || isNamed || courseOf(strategyOf(rollout)) === undefined;
  }

  #fresh(namespace: string, name: string): Promise<Rollout | undefined> {
    return this.#options.client.get<Rollout>(resources.rollouts, namespace, name).catch(unlessGone);
  }

  #failed({ resource }: SetKind, key: string, place: string, error: unknown): PassResult {
    const kind = error instanceof ApiError ? error.kind : undefined;
    if (kind === "conflict" || kind === "notFound") return { is: "failed", slowly: false };
    const text = `cannot release the ${resource.kind}: ${error instanceof Error ? error.message : String(error)}`;
    if (this.#problems.get(key) !== text) this.#options.log(`${place}: ${text}`);
    this.#problems.set(key, text);
    const retryAfter = error instanceof ApiError ? error.retryAfterSeconds : undefined;
    return { is: "failed", slowly: kind !== "retryable" && kind !== "unreachable", retryAfter };
  }
}
