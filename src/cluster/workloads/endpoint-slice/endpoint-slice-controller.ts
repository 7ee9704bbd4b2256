import type { EndpointSlice, Pod, Service } from "../../../api/core.ts";
import { hasLabels } from "../../../api/label-selector.ts";
import { controllerOf, keyOf, namespaceAndName } from "../../../api/metadata.ts";
import {
  embeddedEndpointSliceController,
  endpointSliceManagedByLabel,
  serviceNameLabel,
} from "../../../api/names.ts";
import { resources } from "../../../api/resources.ts";
import { unlessGone } from "../../../kubernetes/errors.ts";
import type { Queue } from "../../../kubernetes/queue.ts";
import type { Change } from "../../../kubernetes/watch-cache.ts";
import type { Cancel, Instant } from "../../../time/clock.ts";
import { workQueue } from "../../work-queue.ts";
import { type Caches, slicesByService } from "../caches.ts";
import { Expectations } from "../expectations.ts";
import type { WorkloadController, WorkloadOptions } from "../workload-controller.ts";
import { type SliceChanges, same, sliceChanges } from "./slice-changes.ts";
import { type SliceContent, slicesOf } from "./slices.ts";

const headlessLabel = "service.kubernetes.io/headless";

/** Writes down, for every Service with a selector, which pods its requests can go to. */
export class EndpointSliceController implements WorkloadController {
  readonly #options: WorkloadOptions;
  readonly #caches: Caches;
  readonly #expectations: Expectations;
  readonly #queue: Queue;
  #subscriptions: readonly Cancel[] = [];

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#caches = options.caches;
    this.#expectations = new Expectations(options.clock);
    this.#queue = workQueue({
      clock: options.clock,
      work: (key) => this.#sync(key),
      onProblem: (problem) => options.onProblem(`EndpointSlices of Service ${problem}`),
    });
  }

  start(): void {
    this.#subscriptions = [
      this.#caches.services.subscribe(({ object }) => this.#queue.add(keyOf(object))),
      this.#caches.endpointSlices.subscribe((change) => this.#sliceChanged(change)),
      this.#caches.pods.subscribe((change) => this.#podChanged(change)),
    ];
    for (const service of this.#caches.services.list()) this.#queue.add(keyOf(service));
    for (const slice of this.#caches.endpointSlices.list()) {
      const key = serviceKeyOf(slice);
      if (key !== undefined) this.#queue.add(key);
    }
  }

  async stop(): Promise<void> {
    for (const cancel of this.#subscriptions) cancel();
    await this.#queue.stop();
  }

  #podChanged({ object: pod, previous }: Change<Pod>): void {
    const versions = previous === undefined ? [pod] : [pod, previous];
    for (const service of this.#caches.services.list(pod.metadata.namespace)) {
      const { selector } = service.spec;
      if (selector !== undefined && versions.some(({ metadata }) => hasLabels(metadata.labels, selector)))
        this.#queue.add(keyOf(service));
    }
  }

  #sliceChanged({ type, object: slice, previous }: Change<EndpointSlice>): void {
    for (const version of previous === undefined ? [slice] : [slice, previous]) {
      const key = serviceKeyOf(version);
      if (key === undefined) continue;
      if (type === "added") this.#expectations.creationEnded(key);
      if (type === "deleted") this.#expectations.deletionEnded(key, slice.metadata.uid ?? "");
      this.#queue.add(key);
    }
  }

  async #sync(key: string): Promise<Instant | undefined> {
    const [namespace, name] = namespaceAndName(key);
    const service = this.#caches.services.get(namespace, name);
    const ours = this.#caches.endpointSlices
      .by(slicesByService, key)
      .filter((slice) => isOurs(slice) && slice.metadata.deletionTimestamp === undefined)
      .toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name));
    if (service === undefined) {
      this.#expectations.forget(key);
      // What names an owner goes with it.
      for (const slice of ours) if (controllerOf(slice) === undefined) await this.#delete(key, slice);
      return undefined;
    }
    // Slices of a Service without a selector are its user's own.
    if (service.spec.selector === undefined || service.spec.type === "ExternalName") return undefined;
    if (service.metadata.deletionTimestamp !== undefined) return undefined;
    const behindUntil = this.#expectations.waitUntil(key);
    if (behindUntil !== undefined) return behindUntil;
    const { own = [], foreign = [] } = Object.groupBy(ours, (slice) =>
      isOwnedBy(service, slice) ? "own" : "foreign",
    );
    const wanted = slicesOf(service, this.#caches.pods.list(namespace));
    const changes = sliceChanges(wanted, own);
    // A slice that says it is this controller's, and belongs to nobody or to a Service of that name before this one.
    await this.#write(key, service, { ...changes, delete: [...changes.delete, ...foreign] });
    return undefined;
  }

  // Additions first: between two writes a Service reaches too many pods rather than none.
  async #write(key: string, service: Service, changes: SliceChanges): Promise<void> {
    for (const content of changes.create) await this.#create(key, service, content);
    for (const { slice, content } of changes.keep) await this.#revise(slice, content, labelsOf(service));
    for (const slice of changes.delete) await this.#delete(key, slice);
  }

  async #create(key: string, service: Service, content: SliceContent): Promise<void> {
    const { name, namespace, uid } = service.metadata;
    this.#expectations.expectCreation(key);
    try {
      await this.#options.client.create(resources.endpointSlices, namespace, {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: {
          generateName: `${name}-`,
          namespace,
          labels: labelsOf(service),
          ownerReferences: [
            { apiVersion: "v1", kind: "Service", name, uid, controller: true, blockOwnerDeletion: true },
          ],
        },
        addressType: "IPv4",
        ...content,
      });
    } catch (error) {
      this.#expectations.creationEnded(key);
      throw error;
    }
  }

  /** A merge patch of what differs, so that the annotation by which the traffic process confirms the slice stays. */
  async #revise(
    slice: EndpointSlice,
    content: SliceContent,
    labels: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { namespace, name, uid, labels: current = {} } = slice.metadata;
    const differences = {
      ...(same(slice.ports ?? [], content.ports) ? {} : { ports: content.ports }),
      ...(same(slice.endpoints ?? [], content.endpoints) ? {} : { endpoints: content.endpoints }),
    };
    const changedLabels = same(current, labels) ? {} : { labels: { ...dropped(current, labels), ...labels } };
    if (Object.keys({ ...differences, ...changedLabels }).length === 0) return;
    const body = { metadata: { uid, ...changedLabels }, ...differences };
    await this.#options.client
      .patch(resources.endpointSlices, namespace, name, { type: "merge", body })
      .catch(unlessGone);
  }

  async #delete(key: string, slice: EndpointSlice): Promise<void> {
    const { namespace, name, uid = "" } = slice.metadata;
    this.#expectations.expectDeletion(key, uid);
    try {
      await this.#options.client.delete(resources.endpointSlices, namespace, name, { uid });
    } catch (error) {
      this.#expectations.deletionEnded(key, uid);
      unlessGone(error);
    }
  }
}

function labelsOf(service: Service): Readonly<Record<string, string>> {
  return {
    ...service.metadata.labels,
    [serviceNameLabel]: service.metadata.name,
    [endpointSliceManagedByLabel]: embeddedEndpointSliceController,
    ...(service.spec.clusterIP === "None" ? { [headlessLabel]: "" } : {}),
  };
}

/** The Service that a slice of this controller's says it is for. */
function serviceKeyOf(slice: EndpointSlice): string | undefined {
  const service = slice.metadata.labels?.[serviceNameLabel];
  return isOurs(slice) && service !== undefined ? keyOf(slice, service) : undefined;
}

function isOurs(slice: EndpointSlice): boolean {
  return slice.metadata.labels?.[endpointSliceManagedByLabel] === embeddedEndpointSliceController;
}

function isOwnedBy(service: Service, slice: EndpointSlice): boolean {
  return controllerOf(slice)?.uid === service.metadata.uid;
}

/** In a merge patch: the labels that are there and not wanted. */
function dropped(current: object, wanted: Readonly<Record<string, string>>): Record<string, null> {
  const unwanted = Object.keys(current).filter((key) => !Object.hasOwn(wanted, key));
  return Object.fromEntries(unwanted.map((key) => [key, null]));
}
