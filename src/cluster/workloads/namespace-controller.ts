import type { KubernetesObject } from "../../api/core.ts";
import { type Resource, resources } from "../../api/resources.ts";
import { ApiError, unlessGone } from "../../kubernetes/errors.ts";
import type { Queue } from "../../kubernetes/queue.ts";
import type { Cancel } from "../../time/clock.ts";
import { workQueue } from "../work-queue.ts";
import type { WorkloadController, WorkloadOptions } from "./workload-controller.ts";

const finalizer = "kubernetes";
const defaultAccount = "default";

interface Namespace extends KubernetesObject {
  readonly spec?: { readonly finalizers?: readonly string[] };
}

/** Gives every namespace its default ServiceAccount, and empties those that are being deleted before they go. */
export class NamespaceController implements WorkloadController {
  readonly #options: WorkloadOptions;
  readonly #queue: Queue;
  #subscriptions: readonly Cancel[] = [];

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#queue = workQueue({
      clock: options.clock,
      work: (name) => this.#sync(name),
      onProblem: (problem) => options.onProblem(`Namespace ${problem}`),
    });
  }

  start(): void {
    const { caches, served } = this.#options;
    this.#subscriptions = [
      caches.namespaces.subscribe(({ object }) => this.#queue.add(object.metadata.name)),
      served.subscribe(({ type, object }) => {
        if (type === "deleted" && object.metadata.namespace !== undefined)
          this.#queue.add(object.metadata.namespace);
      }),
    ];
    for (const namespace of caches.namespaces.list()) this.#queue.add(namespace.metadata.name);
  }

  async stop(): Promise<void> {
    for (const cancel of this.#subscriptions) cancel();
    await this.#queue.stop();
  }

  async #sync(name: string): Promise<undefined> {
    const namespace = this.#options.caches.namespaces.get("", name);
    if (namespace === undefined) return;
    if (namespace.metadata.deletionTimestamp === undefined) await this.#ensureDefaultAccount(name);
    else await this.#empty(namespace);
  }

  async #ensureDefaultAccount(namespace: string): Promise<void> {
    const { client, served } = this.#options;
    if (served.get(resources.serviceAccounts, namespace, defaultAccount) !== undefined) return;
    const account = {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: defaultAccount, namespace },
    };
    await client.create(resources.serviceAccounts, namespace, account).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.kind === "alreadyExists")) throw error;
    });
  }

  /** Deletes all there is; what ends slowly (pods, objects with finalizers) wakes this up again when it is gone. */
  async #empty(namespace: Namespace): Promise<void> {
    const { client, served } = this.#options;
    const { name } = namespace.metadata;
    const kinds = served.namespacedResources();
    for (const resource of kinds) {
      for (const object of await this.#contents(resource, name)) {
        const { uid, deletionTimestamp } = object.metadata;
        if (deletionTimestamp !== undefined) continue;
        await client
          .delete(resource, name, object.metadata.name, { uid, propagationPolicy: "Background" })
          .catch(unlessGone);
      }
    }
    for (const resource of kinds) if ((await this.#contents(resource, name)).length > 0) return;
    const finalizers = namespace.spec?.finalizers?.filter((other) => other !== finalizer) ?? [];
    const finalized: Namespace = { ...namespace, spec: { ...namespace.spec, finalizers } };
    await client.update(resources.namespaces, finalized, "finalize").catch(unlessGone);
  }

  async #contents(resource: Resource, namespace: string): Promise<readonly KubernetesObject[]> {
    return (await this.#options.client.list(resource, { namespace })).items;
  }
}
