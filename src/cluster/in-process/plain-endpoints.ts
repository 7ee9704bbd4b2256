import type { Endpoint, EndpointSlice, Pod, Service } from "../../api/core.ts";
import { controllerOf, keyOf } from "../../api/metadata.ts";
import { endpointSliceManagedByLabel, serviceNameLabel } from "../../api/names.ts";
import { resources } from "../../api/resources.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError, unlessGone } from "../../kubernetes/errors.ts";
import { WatchCache } from "../../kubernetes/watch-cache.ts";
import { type Cancel, type Clock, later } from "../../time/clock.ts";
import { pause } from "../../time/pause.ts";
import { slicesOf } from "../workloads/endpoint-slice/slices.ts";

const manager = "endpointslice-controller.k8s.io";
// A real one takes 100; a slice that is full is seen with three pods then.
const longestSlice = 2;
const families = ["IPv4", "IPv6"] as const;
// Long enough for others to look in between; short enough for all consequences of an act to be there in a moment.
const shortestDelaySeconds = 0.01;
const secondsBetweenWrites = 0.001;

type Family = (typeof families)[number];

/**
 * Stands for the EndpointSlice controller of a plain Kubernetes with both families: endpoints follow pods and selectors
 * some time later, and one slice after the other. Every Service also has an endpoint that is no pod, in a slice that
 * somebody else keeps.
 */
export class PlainEndpoints {
  readonly #client: KubernetesClient;
  readonly #clock: Clock;
  readonly #services: WatchCache<Service>;
  readonly #pods: WatchCache<Pod>;
  readonly #slices: WatchCache<EndpointSlice>;
  readonly #timers = new Map<string, Cancel>();
  readonly #writing = new Map<string, Promise<void>>();
  readonly #stopped = new AbortController();
  /** Time from a change to the first slice that follows it, seconds. */
  delaySeconds: number | "never";

  /** `delaySeconds` 0: as soon as it can. */
  constructor(client: KubernetesClient, clock: Clock, delaySeconds: number | "never") {
    this.#client = client;
    this.#clock = clock;
    this.delaySeconds = delaySeconds === 0 ? shortestDelaySeconds : delaySeconds;
    this.#services = new WatchCache({ client, clock, resource: resources.services });
    this.#pods = new WatchCache({ client, clock, resource: resources.pods });
    this.#slices = new WatchCache({ client, clock, resource: resources.endpointSlices });
    this.#services.subscribe(({ object }) => this.#follow(object));
    this.#services.subscribe(({ type, object }) => {
      if (type === "added") void this.#addForeign(object);
    });
    this.#pods.subscribe(() => {
      for (const service of this.#services.list()) this.#follow(service);
    });
  }

  start(): void {
    for (const cache of [this.#slices, this.#pods, this.#services]) cache.start();
  }

  stop(): void {
    for (const cache of [this.#slices, this.#pods, this.#services]) cache.stop();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#stopped.abort();
  }

  /** Endpoints follow from now on as soon as they can, and at once where they have not yet. */
  confirmAll(): void {
    this.delaySeconds = 0;
    for (const service of this.#services.list()) this.#follow(service);
  }

  #follow(service: Service): void {
    const key = keyOf(service);
    if (this.delaySeconds === "never" || this.#timers.has(key)) return;
    const at = later(this.#clock.now(), this.delaySeconds);
    this.#timers.set(
      key,
      this.#clock.at(at, () => {
        this.#timers.delete(key);
        const before = this.#writing.get(key) ?? Promise.resolve();
        this.#writing.set(
          key,
          before.then(() => this.#write(service.metadata.namespace ?? "", service.metadata.name)),
        );
      }),
    );
  }

  async #addForeign({ metadata: { namespace, name } }: Service): Promise<void> {
    await this.#client
      .create(resources.endpointSlices, namespace, {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: {
          name: `${name}-elsewhere`,
          namespace,
          labels: { [serviceNameLabel]: name, [endpointSliceManagedByLabel]: "mesh.example.com" },
        },
        addressType: "IPv4",
        ports: [{ name: "", port: 5000, protocol: "TCP" }],
        endpoints: [{ addresses: ["10.1.0.7"], conditions: { ready: true } }],
      })
      .catch((error: unknown) => {
        // It outlives its Service.
        if (!(error instanceof ApiError && error.kind === "alreadyExists")) throw error;
      });
  }

  // Additions first, as the real one does.
  async #write(namespace: string, name: string): Promise<void> {
    const service = this.#services.get(namespace, name);
    if (service?.spec.selector === undefined || this.#stopped.signal.aborted) return;
    const [content] = slicesOf(service, this.#pods.list(namespace));
    for (const family of families) {
      const existing = this.#slices
        .list(namespace)
        .filter((slice) => slice.addressType === family && controllerOf(slice)?.uid === service.metadata.uid)
        .toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name));
      const wanted = chunks((content?.endpoints ?? []).map((endpoint) => inFamily(endpoint, family)));
      const ports = content?.ports ?? [];
      for (const endpoints of wanted.slice(existing.length)) {
        await this.#client.create(resources.endpointSlices, namespace, {
          ...sliceOf(service, family),
          ports,
          endpoints,
        });
        await this.#takeTime();
      }
      for (const [n, endpoints] of wanted.slice(0, existing.length).entries()) {
        const slice = existing[n];
        if (slice === undefined || isSame(slice, { ports, endpoints })) continue;
        await this.#client
          .patch(resources.endpointSlices, namespace, slice.metadata.name, {
            type: "merge",
            body: { metadata: { uid: slice.metadata.uid }, ports, endpoints },
          })
          .catch(unlessGone);
        await this.#takeTime();
      }
      for (const { metadata } of existing.slice(wanted.length))
        await this.#client.delete(resources.endpointSlices, namespace, metadata.name).catch(unlessGone);
    }
  }

  async #takeTime(): Promise<void> {
    await pause(this.#clock, later(this.#clock.now(), secondsBetweenWrites), this.#stopped.signal);
  }
}

function sliceOf(service: Service, family: Family): object {
  const { name, namespace, uid, labels } = service.metadata;
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels: { ...labels, [serviceNameLabel]: name, [endpointSliceManagedByLabel]: manager },
      ownerReferences: [
        { apiVersion: "v1", kind: "Service", name, uid, controller: true, blockOwnerDeletion: true },
      ],
    },
    addressType: family,
  };
}

function inFamily(endpoint: Endpoint, family: Family): Endpoint {
  if (family === "IPv4") return endpoint;
  return {
    ...endpoint,
    addresses: endpoint.addresses.map((address) => `fd00::${address.replaceAll(".", ":")}`),
  };
}

/** A Service that reaches nothing still has a slice that says so. */
function chunks(endpoints: readonly Endpoint[]): readonly (readonly Endpoint[])[] {
  if (endpoints.length <= longestSlice) return [endpoints];
  return [endpoints.slice(0, longestSlice), ...chunks(endpoints.slice(longestSlice))];
}

function isSame(slice: EndpointSlice, content: Pick<EndpointSlice, "ports" | "endpoints">): boolean {
  const { ports, endpoints } = slice;
  return JSON.stringify({ ports, endpoints }) === JSON.stringify(content);
}
