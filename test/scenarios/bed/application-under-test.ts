import type { EndpointSlice, KubernetesObject, Pod, ReplicaSet, Service } from "../../../src/api/core.ts";
import { podTemplateHashLabel, revisionAnnotation, serviceNameLabel } from "../../../src/api/names.ts";
import { type Resource, resources } from "../../../src/api/resources.ts";
import type { Rollout } from "../../../src/api/rollout.ts";
import { ApiError } from "../../../src/kubernetes/errors.ts";
import { namespace } from "./manifests.ts";
import { type Application, versionOf } from "./setting.ts";
import type { TestCluster } from "./test-cluster.ts";

/** One Rollout of a scenario with all that belongs to it, as the API shows it at this moment. */
export class ApplicationUnderTest {
  readonly cluster: TestCluster;
  readonly application: Application;
  readonly #all: readonly Application[];

  constructor(cluster: TestCluster, all: readonly Application[], name: string) {
    const application = all.find((candidate) => candidate.name === name);
    if (application === undefined) throw new Error(`no application ${name} is given`);
    this.cluster = cluster;
    this.application = application;
    this.#all = all;
  }

  get name(): string {
    return this.application.name;
  }

  /** The same scenario, seen from another Rollout. */
  other(name: string): ApplicationUnderTest {
    return new ApplicationUnderTest(this.cluster, this.#all, name);
  }

  rollout(): Promise<Rollout> {
    return this.cluster.client.get<Rollout>(resources.rollouts, namespace, this.name);
  }

  /** Undefined when there is none. */
  async find<T extends KubernetesObject>(resource: Resource, name: string): Promise<T | undefined> {
    return await this.cluster.client.get<T>(resource, namespace, name).catch((error: unknown) => {
      if (error instanceof ApiError && error.kind === "notFound") return undefined;
      throw error;
    });
  }

  async replicaSets(): Promise<readonly ReplicaSet[]> {
    return (await this.#list<ReplicaSet>(resources.replicaSets)).toSorted(
      (a, b) => revisionOf(a) - revisionOf(b),
    );
  }

  /** The ReplicaSet that runs a version; undefined when there is none (any more). */
  async replicaSet(version: string): Promise<ReplicaSet | undefined> {
    return (await this.replicaSets()).find((replicaSet) => versionIn(replicaSet.spec.template) === version);
  }

  async existingReplicaSet(version: string): Promise<ReplicaSet> {
    const replicaSet = await this.replicaSet(version);
    if (replicaSet === undefined) throw new Error(`${this.name} has no ReplicaSet of ${version}`);
    return replicaSet;
  }

  /** Those of a version that are not being deleted. */
  async pods(version: string): Promise<readonly Pod[]> {
    return (await this.#list<Pod>(resources.pods)).filter(
      (pod) => versionIn(pod) === version && pod.metadata.deletionTimestamp === undefined,
    );
  }

  /** The version that the Service's selector names; undefined when it names none. */
  async selectedBy(serviceName: string): Promise<string | undefined> {
    const service = await this.find<Service>(resources.services, serviceName);
    const hash = service?.spec.selector?.[podTemplateHashLabel];
    return hash === undefined ? undefined : await this.versionOfHash(hash);
  }

  /** The versions whose pods new requests to the Service reach. */
  async reachedThrough(serviceName: string): Promise<readonly string[]> {
    const slices = (await this.cluster.client.list<EndpointSlice>(resources.endpointSlices, { namespace }))
      .items;
    const names = slices
      .filter(({ metadata }) => metadata.labels?.[serviceNameLabel] === serviceName)
      .flatMap(({ endpoints }) => (endpoints ?? []).filter(({ conditions }) => conditions?.ready === true))
      .flatMap(({ targetRef }) => (targetRef?.kind === "Pod" ? [targetRef.name ?? ""] : []));
    const pods = await this.#list<Pod>(resources.pods);
    const versions = names.map((name) => versionIn(pods.find((pod) => pod.metadata.name === name)));
    return [...new Set(versions)].toSorted();
  }

  async versionOfHash(hash: string | undefined): Promise<string | undefined> {
    const replicaSet = (await this.replicaSets()).find(
      ({ metadata }) => metadata.labels?.[podTemplateHashLabel] === hash,
    );
    return replicaSet === undefined ? undefined : versionIn(replicaSet.spec.template);
  }

  patch(resource: Resource, name: string, body: object, subresource?: string): Promise<KubernetesObject> {
    return this.cluster.client.patch(resource, namespace, name, {
      type: "merge",
      body,
      ...(subresource === undefined ? {} : { subresource }),
    });
  }

  async #list<T extends KubernetesObject>(resource: Resource): Promise<readonly T[]> {
    const labelSelector = `app=${this.name}`;
    return (await this.cluster.client.list<T>(resource, { namespace, labelSelector })).items;
  }
}

export function revisionOf({ metadata }: KubernetesObject): number {
  return Number(metadata.annotations?.[revisionAnnotation] ?? 0);
}

function versionIn(owner: { readonly spec: Pod["spec"] } | undefined): string {
  return versionOf(owner?.spec.containers[0]?.image);
}
