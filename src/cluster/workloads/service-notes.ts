import type { Service } from "../../api/core.ts";
import { isSeconds, pinnedConnectionSecondsAnnotation } from "../../api/names.ts";
import { EventRecorder, eventWriter } from "../../kubernetes/event-recorder.ts";
import type { Cancel } from "../../time/clock.ts";
import type { WorkloadController, WorkloadOptions } from "./workload-controller.ts";

/** What a Service may say beside what the rest of the program reads. */
type Spec = Service["spec"] & {
  readonly externalName?: string;
  readonly loadBalancerSourceRanges?: readonly string[];
};

/** Says with one Warning event on a Service what of it does not happen here, when it is made or that changes. */
export class ServiceNotes implements WorkloadController {
  readonly #options: WorkloadOptions;
  readonly #events: EventRecorder;
  #unsubscribe: Cancel = () => {};

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#events = new EventRecorder({
      ...options,
      writer: eventWriter(options.client),
      source: { component: "service-controller" },
    });
  }

  /** Services that are there already have been told of before. */
  start(): void {
    this.#unsubscribe = this.#options.caches.services.subscribe(({ type, object, previous }) => {
      if (type === "deleted") return;
      const notes = notesOn(object);
      const before = previous === undefined ? "" : notesOn(previous).join("; ");
      const text = notes.join("; ");
      if (text === "" || text === before) return;
      const message = `The embedded cluster ignores ${text}`;
      this.#events.record(
        { ...object, apiVersion: "v1", kind: "Service" },
        { type: "Warning", reason: "IgnoredFields", message },
      );
    });
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#events.stop();
  }
}

/** What of a Service does not happen on the embedded cluster: one sentence for each thing. */
export function notesOn(service: Service): readonly string[] {
  const spec: Spec = service.spec;
  const foreign = (spec.ports ?? []).filter(({ protocol = "TCP" }) => protocol === "SCTP");
  const pinned = service.metadata.annotations?.[pinnedConnectionSecondsAnnotation];
  const ports = foreign.map(({ port, protocol }) => `${port}/${protocol}`).join(", ");
  return [
    ...(pinned === undefined || isSeconds(pinned)
      ? []
      : [`the annotation ${pinnedConnectionSecondsAnnotation}: "${pinned}" is no whole number of seconds`]),
    ...(foreign.length === 0 ? [] : [`port ${ports}: only TCP and UDP are forwarded`]),
    ...(spec.type === "ExternalName" ? [`externalName ${spec.externalName}: no name leads there`] : []),
    ...((spec.loadBalancerSourceRanges ?? []).length === 0
      ? []
      : ["loadBalancerSourceRanges: everybody on this machine is let in"]),
  ];
}
