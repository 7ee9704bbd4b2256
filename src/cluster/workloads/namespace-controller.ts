import type { KubernetesObject } from "../../api/core.ts";
import { equalJson } from "../../api/equal-json.ts";
import { type Resource, resources } from "../../api/resources.ts";
import { ApiError, unlessGone } from "../../kubernetes/errors.ts";
import type { Queue } from "../../kubernetes/queue.ts";
import type { Cancel } from "../../time/clock.ts";
import { workQueue } from "../work-queue.ts";
import type { WorkloadController, WorkloadOptions } from "./workload-controller.ts";

const finalizer = "kubernetes";
const defaultAccount = "default";
const authorityConfigMap = "kube-root-ca.crt";
// The words of Kubernetes' own.
const authorityDescription =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal " +
  "service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

interface ConfigMap extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
}

interface Namespace extends KubernetesObject {
  readonly spec?: { readonly finalizers?: readonly string[] };
}

/** Gives every namespace its default ServiceAccount and the certificate to know the API server by, and empties those that are being deleted before they go. */
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
        const { name, namespace } = object.metadata;
        if (namespace !== undefined && (type === "deleted" || name === authorityConfigMap))
          this.#queue.add(namespace);
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
    if (namespace.metadata.deletionTimestamp !== undefined) {
      await this.#empty(namespace);
      return;
    }
    await this.#ensureDefaultAccount(name);
    await this.#ensureAuthority(name);
  }

  async #ensureDefaultAccount(namespace: string): Promise<void> {
    if (this.#options.served.get(resources.serviceAccounts, namespace, defaultAccount) !== undefined) return;
    await this.#create(resources.serviceAccounts, {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: defaultAccount, namespace },
    });
  }

  async #ensureAuthority(namespace: string): Promise<void> {
    const { client, certificateAuthority } = this.#options;
    if (certificateAuthority === undefined) return;
    const metadata = {
      name: authorityConfigMap,
      namespace,
      annotations: { "kubernetes.io/description": authorityDescription },
    };
    const data = { "ca.crt": certificateAuthority };
    const present = await client
      .get<ConfigMap>(resources.configMaps, namespace, authorityConfigMap)
      .catch(unlessGone);
    if (present === undefined)
      await this.#create<ConfigMap>(resources.configMaps, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata,
        data,
      });
    else if (!equalJson(present.data, data))
      await client.update<ConfigMap>(resources.configMaps, { ...present, data } as KubernetesObject);
  }

  async #create<T extends KubernetesObject>(resource: Resource, object: T): Promise<void> {
    const { namespace } = object.metadata;
    await this.#options.client.create(resource, namespace, object).catch((error: unknown) => {
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
