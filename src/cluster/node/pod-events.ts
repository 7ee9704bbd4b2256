import type { KubernetesObject, Pod } from "../../api/core.ts";
import { resources } from "../../api/resources.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { type Cancel, type Clock, formatTime, type Instant, later } from "../../time/clock.ts";

export interface PodEventSink {
  /** `container` names the container that the event is about. */
  record(pod: Pod, type: "Normal" | "Warning", reason: string, message: string, container?: string): void;
}

interface KnownEvent {
  readonly name: string;
  readonly namespace: string;
  count: number;
  lastAt: Instant;
  cancelWrite: Cancel | undefined;
}

export interface PodEventsOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly nodeName: string;
  readonly onProblem: (text: string) => void;
}

// A probe that fails every second must not cause a write every second.
const repeatSeconds = 10;
const schedulerReasons: ReadonlySet<string> = new Set(["Scheduled", "FailedScheduling"]);

/**
 * Writes pods' events. An event told again only raises the count of the one that is there. Events are news, not state: one
 * that cannot be written is reported as a problem and given up.
 */
export class PodEvents implements PodEventSink {
  readonly #options: PodEventsOptions;
  readonly #known = new Map<string, Map<string, KnownEvent>>();

  constructor(options: PodEventsOptions) {
    this.#options = options;
  }

  record(pod: Pod, type: "Normal" | "Warning", reason: string, message: string, container?: string): void {
    const podUid = pod.metadata.uid ?? "";
    const ofPod = this.#known.get(podUid) ?? new Map<string, KnownEvent>();
    this.#known.set(podUid, ofPod);
    const key = [container, type, reason, message].join("\n");
    const known = ofPod.get(key);
    const now = this.#options.clock.now();
    if (known === undefined) {
      const name = `${pod.metadata.name}.${podUid.slice(0, 8)}${now.toString(16)}${ofPod.size.toString(16)}`;
      const namespace = pod.metadata.namespace ?? "default";
      ofPod.set(key, { name, namespace, count: 1, lastAt: now, cancelWrite: undefined });
      void this.#create(pod, name, type, reason, message, container);
      return;
    }
    known.count++;
    known.cancelWrite ??= this.#options.clock.at(later(known.lastAt, repeatSeconds), () => {
      known.cancelWrite = undefined;
      void this.#recount(known);
    });
    known.lastAt = now;
  }

  forget(podUid: string): void {
    for (const known of this.#known.get(podUid)?.values() ?? []) known.cancelWrite?.();
    this.#known.delete(podUid);
  }

  /** Repetitions not yet counted in the API are dropped. */
  close(): void {
    for (const podUid of this.#known.keys()) this.forget(podUid);
  }

  async #create(
    pod: Pod,
    name: string,
    type: string,
    reason: string,
    message: string,
    container: string | undefined,
  ): Promise<void> {
    const { client, clock, nodeName } = this.#options;
    const { namespace, uid, resourceVersion } = pod.metadata;
    const role = pod.spec.initContainers?.some((init) => init.name === container)
      ? "initContainers"
      : "containers";
    const at = formatTime(clock.now());
    const component = schedulerReasons.has(reason) ? "default-scheduler" : "kubelet";
    const event: KubernetesObject & Record<string, unknown> = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace: namespace ?? "default" },
      involvedObject: {
        apiVersion: "v1",
        kind: "Pod",
        namespace,
        name: pod.metadata.name,
        uid,
        resourceVersion,
        ...(container === undefined ? {} : { fieldPath: `spec.${role}{${container}}` }),
      },
      type,
      reason,
      message,
      source: component === "kubelet" ? { component, host: nodeName } : { component },
      reportingComponent: component,
      reportingInstance: component === "kubelet" ? nodeName : "",
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    };
    await this.#tell(reason, client.create(resources.events, namespace, event));
  }

  async #recount(known: KnownEvent): Promise<void> {
    const body = { count: known.count, lastTimestamp: formatTime(known.lastAt) };
    const patch = { type: "merge", body } as const;
    await this.#tell(
      "repetition",
      this.#options.client.patch(resources.events, known.namespace, known.name, patch),
    );
  }

  async #tell(what: string, writing: Promise<unknown>): Promise<void> {
    try {
      await writing;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // The namespace or the event itself may be gone by now; nobody can read the news any more.
      if (error.kind !== "notFound" && error.kind !== "forbidden") {
        this.#options.onProblem(`event ${what} not written: ${error.message}`);
      }
    }
  }
}
