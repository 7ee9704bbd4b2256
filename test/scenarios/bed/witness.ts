import type {
  Endpoint,
  EndpointSlice,
  KubernetesObject,
  Pod,
  ReplicaSet,
  Service,
} from "../../../src/api/core.ts";
import { hasLabels } from "../../../src/api/label-selector.ts";
import { podTemplateHashLabel, serviceNameLabel } from "../../../src/api/names.ts";
import { type Resource, resources } from "../../../src/api/resources.ts";
import type { Rollout } from "../../../src/api/rollout.ts";
import { isReady } from "../../../src/cluster/workloads/pods.ts";
import type { KubernetesClient } from "../../../src/kubernetes/client.ts";
import type { Cancel } from "../../../src/time/clock.ts";

interface RecordedEvent extends KubernetesObject {
  readonly involvedObject?: { readonly kind?: string; readonly name?: string };
  readonly reason?: string;
  readonly message?: string;
}

// On a plain Kubernetes every Service has foreign endpoints, whatever a scenario is about. That this is told, and told once,
// is in test/planner/routes.test.ts.
const toldOfEveryService = "ForeignEndpoints";

/** Sees every write that anybody makes, in order, and notes those that must never happen. */
export class Witness {
  readonly violations: string[] = [];
  /** Reasons of the events of each Rollout, in the order in which they were recorded; but for those of foreign endpoints. */
  readonly events = new Map<string, string[]>();
  readonly #objects = new Map<string, Map<string, KubernetesObject>>();
  readonly #watches: readonly Cancel[];
  #isLookingAway = false;

  constructor(client: KubernetesClient) {
    const see = <T extends KubernetesObject>(
      resource: Resource,
      judge: (now: T | undefined, before: T | undefined) => void,
    ): Cancel => {
      const objects = new Map<string, KubernetesObject>();
      this.#objects.set(resource.kind, objects);
      return client.watch(
        resource,
        {},
        {
          event: ({ type, object }) => {
            if (type === "ERROR" || type === "BOOKMARK") return;
            const before = objects.get(object.metadata.name);
            if (type === "DELETED") objects.delete(object.metadata.name);
            else objects.set(object.metadata.name, object);
            // The watch is of one kind, so both are of that kind.
            judge((type === "DELETED" ? undefined : object) as T | undefined, before as T | undefined);
          },
          ended: (error) =>
            this.violations.push(`the witness went blind: ${error?.message ?? "watch ended"}`),
        },
      );
    };
    this.#watches = [
      see<Rollout>(resources.rollouts, () => {}),
      see<Pod>(resources.pods, () => {}),
      see<ReplicaSet>(resources.replicaSets, (now, before) => this.#judgeReplicaSet(now, before)),
      see<Service>(resources.services, (now, before) => this.#judgeService(now, before)),
      see<EndpointSlice>(resources.endpointSlices, (now, before) => this.#judgeSlice(now, before)),
      see<RecordedEvent>(resources.events, (now) => this.#note(now)),
    ];
  }

  stop(): void {
    for (const cancel of this.#watches) cancel();
  }

  /** What happens meanwhile is the scenario's own doing. */
  async lookAway(act: () => Promise<void>): Promise<void> {
    this.#isLookingAway = true;
    await act();
    this.#isLookingAway = false;
  }

  #note(event: RecordedEvent | undefined): void {
    const { kind, name = "" } = event?.involvedObject ?? {};
    if (kind !== "Rollout" || event?.reason === toldOfEveryService) return;
    this.events.set(name, [...(this.events.get(name) ?? []), event?.reason ?? ""]);
  }

  /** A switch leads to pods, if there are any to lead to. */
  #judgeService(now: Service | undefined, before: Service | undefined): void {
    const hash = hashIn(now);
    const rollout = this.#rolloutOfActive(now?.metadata.name);
    if (hash === undefined || hash === hashIn(before) || rollout === undefined || this.#isLookingAway) return;
    const all = this.#replicaSetsOf(rollout);
    const target = all.find((replicaSet) => hashOf(replicaSet) === hash);
    const better = all.find((replicaSet) => (replicaSet.status?.availableReplicas ?? 0) > 0);
    // A selector that somebody has stripped is put back to the stable version, whatever state that is in.
    const isRepair = hashIn(before) === undefined && hash === rollout.status?.stableRS;
    if ((target?.status?.availableReplicas ?? 0) === 0 && better !== undefined && !isRepair) {
      this.violations.push(
        `Service ${now?.metadata.name} was switched to ${hash}, which has no available pod, while ${better.metadata.name} has some`,
      );
    }
  }

  /** Nothing that users reach loses its pods. */
  #judgeReplicaSet(now: ReplicaSet | undefined, before: ReplicaSet | undefined): void {
    const hash = hashOf(before);
    const isEmptied = (before?.spec.replicas ?? 0) > 0 && (now?.spec.replicas ?? 0) === 0;
    if (!isEmptied || hash === undefined || this.#isLookingAway) return;
    for (const rollout of this.#all<Rollout>("Rollout")) {
      if (rollout.spec.replicas === 0 || rollout.metadata.deletionTimestamp !== undefined) continue;
      const service = rollout.spec.strategy?.blueGreen?.activeService ?? "";
      if (hashIn(this.#get<Service>("Service", service)) === hash)
        this.violations.push(
          `ReplicaSet ${before?.metadata.name} was emptied while Service ${service} selects it`,
        );
    }
  }

  /** While pods that the Service selects serve, the slices that list them are never all empty, not even for a moment. */
  #judgeSlice(now: EndpointSlice | undefined, before: EndpointSlice | undefined): void {
    const service = now?.metadata.labels?.[serviceNameLabel];
    const rollout = this.#rolloutOfActive(service);
    if (now === undefined || before === undefined || rollout === undefined || this.#isLookingAway) return;
    const all = this.#all<EndpointSlice>("EndpointSlice").filter(
      ({ metadata }) => metadata.labels?.[serviceNameLabel] === service,
    );
    const isReached = ({ conditions, targetRef }: Endpoint) =>
      conditions?.ready === true && targetRef !== undefined;
    if (all.some(({ endpoints }) => endpoints?.some(isReached))) return;
    const { selector = {} } = this.#get<Service>("Service", service ?? "")?.spec ?? {};
    for (const { conditions, targetRef } of before.endpoints ?? []) {
      const pod = this.#get<Pod>("Pod", targetRef?.name ?? "");
      if (pod === undefined || !hasLabels(pod.metadata.labels, selector)) continue;
      const isServing = isReady(pod) && pod.metadata.deletionTimestamp === undefined;
      if (conditions?.ready === true && isServing)
        this.violations.push(
          `EndpointSlice ${now.metadata.name} was emptied while ${pod.metadata.name} is ready`,
        );
    }
  }

  #rolloutOfActive(service: string | undefined): Rollout | undefined {
    return this.#all<Rollout>("Rollout").find(
      ({ spec }) => service !== undefined && spec.strategy?.blueGreen?.activeService === service,
    );
  }

  #replicaSetsOf(rollout: Rollout): readonly ReplicaSet[] {
    return this.#all<ReplicaSet>("ReplicaSet").filter(({ metadata }) =>
      metadata.ownerReferences?.some(({ uid }) => uid === rollout.metadata.uid),
    );
  }

  #all<T extends KubernetesObject>(kind: string): readonly T[] {
    return [...(this.#objects.get(kind)?.values() ?? [])] as unknown as readonly T[];
  }

  #get<T extends KubernetesObject>(kind: string, name: string): T | undefined {
    return this.#all<T>(kind).find(({ metadata }) => metadata.name === name);
  }
}

function hashIn(service: Service | undefined): string | undefined {
  return service?.spec.selector?.[podTemplateHashLabel];
}

function hashOf(replicaSet: ReplicaSet | undefined): string | undefined {
  return replicaSet?.metadata.labels?.[podTemplateHashLabel];
}
