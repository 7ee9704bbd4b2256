import type { EndpointSlice, KubernetesObject, Pod, ReplicaSet, Service } from "../../src/api/core.ts";
import { controllerOf } from "../../src/api/metadata.ts";
import {
  embeddedEndpointSliceController,
  endpointSliceManagedByLabel,
  podTemplateHashLabel,
  routedGenerationAnnotation,
  serviceNameLabel,
} from "../../src/api/names.ts";
import type { Rollout } from "../../src/api/rollout.ts";
import type { Change } from "../../src/cluster/store/change.ts";
import type { Store } from "../../src/cluster/store/store.ts";
import { isReady } from "../../src/cluster/workloads/pods.ts";
import type { Cancel } from "../../src/time/clock.ts";
import { namespace } from "../scenarios/bed/manifests.ts";
import { versionOf } from "../scenarios/bed/setting.ts";

const collections = {
  rollouts: "rollouts.argoproj.io",
  replicaSets: "replicasets.apps",
  services: "services",
  endpointSlices: "endpointslices.discovery.k8s.io",
  pods: "pods",
} as const;

/** The cluster as it is at this moment, whatever anybody has been told of it. Versions are those of images: `v1`. */
export class Truth {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Calls `listener` within every write of such an object. */
  listen(kind: keyof typeof collections, listener: (change: Change) => void): Cancel {
    return this.#store.listen(collections[kind], listener);
  }

  rollout(name: string): Rollout | undefined {
    return this.#get<Rollout>("rollouts", name);
  }

  service(name: string | undefined): Service | undefined {
    return name === undefined ? undefined : this.#get<Service>("services", name);
  }

  replicaSet(name: string): ReplicaSet | undefined {
    return this.#get<ReplicaSet>("replicaSets", name);
  }

  /** Those of the Rollout, also such as are being deleted. */
  replicaSets({ metadata }: Rollout): readonly ReplicaSet[] {
    return this.#list<ReplicaSet>("replicaSets").filter((one) => controllerOf(one)?.uid === metadata.uid);
  }

  ofVersion(rollout: Rollout, version: string | undefined): ReplicaSet | undefined {
    return this.replicaSets(rollout).find((one) => versionIn(one.spec.template) === version);
  }

  versionOfHash(rollout: Rollout, hash: string | undefined): string | undefined {
    if (hash === undefined || hash === "") return undefined;
    const found = this.replicaSets(rollout).find((one) => hashOf(one) === hash);
    return found === undefined ? undefined : versionIn(found.spec.template);
  }

  readyPods(replicaSet: ReplicaSet | undefined): number {
    return this.#list<Pod>("pods").filter(
      (pod) =>
        replicaSet !== undefined &&
        controllerOf(pod)?.uid === replicaSet.metadata.uid &&
        pod.metadata.deletionTimestamp === undefined &&
        isReady(pod),
    ).length;
  }

  /** The Rollout's versions whose pods get new requests to the Service. */
  reached(rollout: Rollout, service: string): ReadonlySet<string> {
    const hashes = new Set<string | undefined>();
    for (const slice of this.slices(service)) {
      for (const { conditions, targetRef } of slice.endpoints ?? []) {
        if (conditions?.ready === false || targetRef?.kind !== "Pod") continue;
        hashes.add(this.#get<Pod>("pods", targetRef.name ?? "")?.metadata.labels?.[podTemplateHashLabel]);
      }
    }
    const versions = [...hashes].map((hash) => this.versionOfHash(rollout, hash));
    return new Set(versions.filter((version) => version !== undefined));
  }

  /** Whether new requests reach this version and no other, as far as anybody can know. */
  isRouted(rollout: Rollout, service: string, version: string): boolean {
    if (this.selected(rollout, service) !== version) return false;
    if ((rollout.spec.replicas ?? 1) === 0) return true;
    const reached = this.reached(rollout, service);
    return reached.size === 1 && reached.has(version) && this.slices(service).every(isConfirmed);
  }

  /** The version that the Service's selector names. */
  selected(rollout: Rollout, service: string): string | undefined {
    return this.versionOfHash(rollout, hashIn(this.service(service)));
  }

  slices(service: string): readonly EndpointSlice[] {
    return this.#list<EndpointSlice>("endpointSlices").filter(
      ({ metadata }) => metadata.labels?.[serviceNameLabel] === service,
    );
  }

  #get<T extends KubernetesObject>(kind: keyof typeof collections, name: string): T | undefined {
    // Each collection holds objects of one kind.
    return this.#store.get(collections[kind], namespace, name) as T | undefined;
  }

  #list<T extends KubernetesObject>(kind: keyof typeof collections): readonly T[] {
    return this.#store.list(collections[kind], namespace) as readonly T[];
  }
}

export function versionIn(template: { readonly spec: Pod["spec"] } | undefined): string | undefined {
  return template === undefined ? undefined : versionOf(template.spec.containers[0]?.image);
}

export function hashIn(service: Service | undefined): string | undefined {
  return service?.spec.selector?.[podTemplateHashLabel];
}

export function hashOf(replicaSet: ReplicaSet): string {
  return replicaSet.metadata.labels?.[podTemplateHashLabel] ?? "";
}

function isConfirmed({ metadata }: EndpointSlice): boolean {
  const { labels, annotations, generation } = metadata;
  if (labels?.[endpointSliceManagedByLabel] !== embeddedEndpointSliceController) return true;
  return annotations?.[routedGenerationAnnotation] === String(generation);
}
