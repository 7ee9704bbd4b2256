import type { EndpointSlice } from "../../../api/core.ts";
import { equalJson } from "../../../api/equal-json.ts";
import { keyOf, namespaceAndName } from "../../../api/metadata.ts";
import { serviceNameLabel } from "../../../api/names.ts";
import { resources } from "../../../api/resources.ts";
import { unlessGone } from "../../../kubernetes/errors.ts";
import type { Queue } from "../../../kubernetes/queue.ts";
import type { Cancel } from "../../../time/clock.ts";
import { workQueue } from "../../work-queue.ts";
import { slicesByService } from "../caches.ts";
import type { WorkloadController, WorkloadOptions } from "../workload-controller.ts";
import { labelsOf, managedBy, managedByLabel, subsetsOf } from "./endpoints.ts";

/** Says what a Service's EndpointSlices say in the older form too, for those who still read that. */
export class EndpointsController implements WorkloadController {
  readonly #options: WorkloadOptions;
  readonly #queue: Queue;
  #subscriptions: readonly Cancel[] = [];

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#queue = workQueue({
      clock: options.clock,
      work: (key) => this.#sync(key),
      onProblem: (problem) => options.onProblem(`Endpoints of Service ${problem}`),
    });
  }

  start(): void {
    const { services, endpointSlices, endpoints } = this.#options.caches;
    this.#subscriptions = [
      services.subscribe(({ object }) => this.#queue.add(keyOf(object))),
      endpoints.subscribe(({ object }) => this.#queue.add(keyOf(object))),
      endpointSlices.subscribe(({ object, previous }) => {
        const isSaidAlready =
          previous !== undefined &&
          equalJson([previous.endpoints, previous.ports], [object.endpoints, object.ports]);
        const name = object.metadata.labels?.[serviceNameLabel];
        if (name !== undefined && !isSaidAlready) this.#queue.add(keyOf(object, name));
      }),
    ];
    for (const object of [...services.list(), ...endpoints.list()]) this.#queue.add(keyOf(object));
  }

  async stop(): Promise<void> {
    for (const cancel of this.#subscriptions) cancel();
    await this.#queue.stop();
  }

  async #sync(key: string): Promise<undefined> {
    const { client, caches } = this.#options;
    const [namespace, name] = namespaceAndName(key);
    const service = caches.services.get(namespace, name);
    const present = caches.endpoints.get(namespace, name);
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) {
      // Those that somebody has made by hand stay.
      if (present?.metadata.labels?.[managedByLabel] === managedBy)
        await client
          .delete(resources.endpoints, namespace, name, { uid: present.metadata.uid })
          .catch(unlessGone);
      return;
    }
    if (service.spec.selector === undefined || service.spec.type === "ExternalName") return;
    const slices: readonly EndpointSlice[] = caches.endpointSlices
      .by(slicesByService, key)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name));
    const subsets = subsetsOf(slices);
    const labels = labelsOf(service);
    if (present === undefined) {
      const metadata = { name, namespace, labels };
      const wanted = {
        apiVersion: "v1",
        kind: "Endpoints",
        metadata,
        ...(subsets.length === 0 ? {} : { subsets }),
      };
      await client.create(resources.endpoints, namespace, wanted);
      return;
    }
    if (equalJson(present.subsets ?? [], subsets) && equalJson(present.metadata.labels ?? {}, labels)) return;
    const gone = Object.keys(present.metadata.labels ?? {}).filter((label) => !Object.hasOwn(labels, label));
    const body = {
      metadata: {
        uid: present.metadata.uid,
        labels: { ...Object.fromEntries(gone.map((label) => [label, null])), ...labels },
      },
      subsets: subsets.length === 0 ? null : subsets,
    };
    await client.patch(resources.endpoints, namespace, name, { type: "merge", body }).catch(unlessGone);
  }
}
