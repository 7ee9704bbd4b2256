import type { KubernetesObject } from "../../api/core.ts";
import { resources } from "../../api/resources.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { type Clock, formatTime } from "../../time/clock.ts";

/** Writes Events about objects, in the name of one controller. */
export class EventRecorder {
  readonly #client: KubernetesClient;
  readonly #clock: Clock;
  readonly #component: string;
  readonly #onProblem: (problem: string) => void;

  constructor(options: {
    client: KubernetesClient;
    clock: Clock;
    component: string;
    onProblem: (problem: string) => void;
  }) {
    this.#client = options.client;
    this.#clock = options.clock;
    this.#component = options.component;
    this.#onProblem = options.onProblem;
  }

  /** An Event that is refused is reported; the work that it tells of has been done all the same. */
  async record(
    about: KubernetesObject,
    type: "Normal" | "Warning",
    reason: string,
    message: string,
  ): Promise<void> {
    const { name, namespace, uid, resourceVersion } = about.metadata;
    const time = formatTime(this.#clock.now());
    const event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { generateName: `${name}.`, namespace },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        name,
        namespace,
        uid,
        resourceVersion,
      },
      type,
      reason,
      message,
      count: 1,
      firstTimestamp: time,
      lastTimestamp: time,
      source: { component: this.#component },
      reportingComponent: this.#component,
      reportingInstance: "",
    };
    try {
      await this.#client.create(resources.events, namespace, event);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#onProblem(`Event ${reason} of ${namespace}/${name}: ${error.message}`);
    }
  }
}
