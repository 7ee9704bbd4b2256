import type { Pod } from "../../api/core.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { EventRecorder, eventWriter, type News } from "../../kubernetes/event-recorder.ts";
import type { Clock } from "../../time/clock.ts";

export interface PodEventSink {
  /** `container` names the container that the event is about. */
  record(pod: Pod, type: "Normal" | "Warning", reason: string, message: string, container?: string): void;
}

export interface PodEventsOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly nodeName: string;
  readonly onProblem: (text: string) => void;
}

/** Pods' events in the names of the two components that the node stands for. */
export class PodEvents implements PodEventSink {
  readonly #recorder: EventRecorder;

  constructor({ client, clock, nodeName, onProblem }: PodEventsOptions) {
    const source = { component: "kubelet", host: nodeName };
    this.#recorder = new EventRecorder({ writer: eventWriter(client), clock, source, onProblem });
  }

  recordScheduled(pod: Pod, message: string): void {
    this.#fromScheduler(pod, { type: "Normal", reason: "Scheduled", message });
  }

  recordUnscheduled(pod: Pod, message: string): void {
    this.#fromScheduler(pod, { type: "Warning", reason: "FailedScheduling", message });
  }

  record(pod: Pod, type: "Normal" | "Warning", reason: string, message: string, container?: string): void {
    const fieldPath = container === undefined ? {} : { fieldPath: pathOf(pod, container) };
    this.#recorder.record(withKind(pod), { type, reason, message, ...fieldPath });
  }

  #fromScheduler(pod: Pod, news: News): void {
    this.#recorder.record(withKind(pod), news, { component: "default-scheduler" });
  }

  /** Writes what is waiting, as long as that works at once. */
  stop(): Promise<void> {
    return this.#recorder.stop();
  }
}

// Objects in lists do not say what they are.
function withKind(pod: Pod): Pod {
  return { ...pod, apiVersion: "v1", kind: "Pod" };
}

function pathOf({ spec }: Pod, container: string): string {
  const isInit = spec.initContainers?.some(({ name }) => name === container) === true;
  return `spec.${isInit ? "initContainers" : "containers"}{${container}}`;
}
