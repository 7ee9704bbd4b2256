import { join } from "node:path";
import type { EndpointSlice, Service } from "../../api/core.ts";
import { keyOf, namespaceAndName } from "../../api/metadata.ts";
import {
  embeddedEndpointSliceController,
  endpointSliceManagedByLabel,
  routedGenerationAnnotation,
  serviceNameLabel,
} from "../../api/names.ts";
import { type Resource, resources } from "../../api/resources.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { unlessGone } from "../../kubernetes/errors.ts";
import type { News } from "../../kubernetes/event-recorder.ts";
import type { Queue } from "../../kubernetes/queue.ts";
import { WatchCache } from "../../kubernetes/watch-cache.ts";
import type { Clock } from "../../time/clock.ts";
import type { Addresses } from "../addresses.ts";
import { workQueue } from "../work-queue.ts";
import { ListeningEvents } from "./listening-events.ts";
import { listeningNews } from "./listening-news.ts";
import { type ListeningSockets, noSockets } from "./listening-sockets.ts";
import { hasIngress, ingressFor } from "./load-balancer-status.ts";
import { Sessions } from "./proxy/sessions.ts";
import { RouteFile } from "./route-file.ts";
import { placeOf, ServiceListeners } from "./service-listeners.ts";
import { planService, type ServicePlan } from "./service-plan.ts";
import { StayingConnections } from "./staying-connections.ts";

export interface TrafficOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly addresses: Addresses;
  readonly dataFolder: string;
  /** What it listens with; closed with this process when absent. */
  readonly sockets?: ListeningSockets;
  /** Takes one line for every problem, and one when it is over. */
  readonly log?: (line: string) => void;
}

const stopGraceSeconds = 5;

/** The Service proxy of the embedded cluster. */
export interface Traffic {
  /**
   * Accepts no more clients, lets what is in flight finish for a few seconds, then closes everything. Clients that come are
   * refused, or wait for the next process.
   */
  stop(newClients?: "refused" | "wait"): Promise<void>;
}

/** Serves at once what was routed last, then what the API server says, until it is stopped. */
export function startTraffic(options: TrafficOptions): Traffic {
  const traffic = new TrafficProcess(options);
  traffic.start();
  return traffic;
}

/**
 * Keeps one `ServiceListeners` per Service in step with the API, in two moves that never change places: first the routes
 * are swapped, at once and in this process alone; then the queue saves them and tells the API server that they are in force.
 */
class TrafficProcess implements Traffic {
  readonly #client: KubernetesClient;
  readonly #clock: Clock;
  readonly #log: (line: string) => void;
  readonly #sessions: Sessions;
  readonly #sockets: ListeningSockets;
  readonly #addresses: Addresses;
  readonly #file: RouteFile;
  readonly #services: WatchCache<Service>;
  readonly #slices: WatchCache<EndpointSlice>;
  readonly #events: ListeningEvents;
  readonly #staying: StayingConnections;
  readonly #confirmations: Queue;
  readonly #proxies = new Map<string, ServiceListeners>();
  /** Of each Service: the generation of each of its slices that requests are routed by. */
  readonly #routed = new Map<string, ReadonlyMap<string, number>>();
  #isSaved = true;
  /** Both halves of the picture, Services and slices, have been read whole. */
  #isComplete = false;

  constructor({
    client,
    clock,
    addresses,
    dataFolder,
    sockets = noSockets,
    log = console.error,
  }: TrafficOptions) {
    this.#client = client;
    this.#clock = clock;
    this.#addresses = addresses;
    this.#sockets = sockets;
    this.#log = log;
    this.#sessions = new Sessions(clock);
    this.#sessions.onSweep((now) => {
      for (const proxy of this.#proxies.values()) proxy.closeIdle(now);
    });
    this.#file = new RouteFile(join(dataFolder, "traffic", "routes.json"));
    this.#services = new WatchCache<Service>({
      client,
      clock,
      resource: resources.services,
      onProblem: (text) => log(text),
    });
    this.#slices = new WatchCache<EndpointSlice>({
      client,
      clock,
      resource: resources.endpointSlices,
      labelSelector: serviceNameLabel,
      indexes: { service: (slice) => [serviceOf(slice)] },
      onProblem: (text) => log(text),
    });
    this.#staying = new StayingConnections(client, this.#sessions, log);
    this.#events = new ListeningEvents({ client, clock, onProblem: log });
    this.#confirmations = workQueue({ clock, work: (service) => this.#confirm(service), onProblem: log });
  }

  start(): void {
    this.#restore();
    this.#services.subscribe(({ type, object }) => {
      this.#route(keyOf(object));
      if (type === "deleted") this.#events.forget(object);
    });
    this.#slices.subscribe(({ object, previous }) => {
      this.#route(serviceOf(object));
      if (previous !== undefined && serviceOf(previous) !== serviceOf(object))
        this.#route(serviceOf(previous));
    });
    this.#services.start();
    this.#slices.start();
    void Promise.all([this.#services.whenSynced(), this.#slices.whenSynced()]).then(() => this.#routeAll());
  }

  async stop(newClients: "refused" | "wait" = "refused"): Promise<void> {
    this.#isComplete = false;
    this.#services.stop();
    this.#slices.stop();
    for (const proxy of this.#proxies.values()) proxy.stopListening(newClients);
    await Promise.all([this.#sessions.stop(stopGraceSeconds), this.#confirmations.stop()]);
    await this.#events.stop();
    for (const proxy of this.#proxies.values()) proxy.remove();
  }

  #restore(): void {
    // Those of another block were saved before the cluster had to leave it.
    for (const plan of this.#saved().filter(({ clusterIp }) =>
      clusterIp.startsWith(`${this.#addresses.block}.`),
    )) {
      const service = `${plan.namespace}/${plan.name}`;
      this.#proxies.set(service, this.#proxyFor(service, plan));
    }
  }

  #proxyFor(service: string, plan: ServiceListeners["plan"]): ServiceListeners {
    return new ServiceListeners(plan, {
      clock: this.#clock,
      sessions: this.#sessions,
      sockets: this.#sockets,
      log: this.#log,
      settled: () => this.#confirmations.add(service),
    });
  }

  #routeAll(): void {
    this.#isComplete = true;
    const all = new Set([...this.#services.list().map((service) => keyOf(service)), ...this.#proxies.keys()]);
    for (const service of all) this.#route(service);
    this.#sockets.closeUntaken();
  }

  // Half of the picture would look like a Service without pods, so nothing is touched before both halves are there.
  #route(key: string): void {
    if (!this.#isComplete) return;
    const [namespace, name] = namespaceAndName(key);
    const service = this.#services.get(namespace, name);
    const slices = this.#slices.by("service", key);
    for (const slice of slices) this.#staying.know(slice);
    if (service === undefined) this.#routed.delete(key);
    else
      this.#routed.set(key, new Map(slices.map(({ metadata }) => [metadata.name, metadata.generation ?? 0])));

    const plan = service === undefined ? undefined : planService(service, slices);
    const proxy = this.#proxies.get(key);
    if (plan === undefined) {
      proxy?.remove();
      this.#proxies.delete(key);
    } else if (proxy === undefined) {
      this.#proxies.set(key, this.#proxyFor(key, plan));
    } else {
      proxy.apply(plan);
    }
    this.#isSaved = false;
    this.#confirmations.add(key);
  }

  // A restarted process must not route by older slices than those confirmed, so the file comes first.
  async #confirm(key: string): Promise<undefined> {
    const routed = this.#routed.get(key);
    if (!this.#isSaved) this.#save();
    const [namespace, name] = namespaceAndName(key);
    // Who connects after the confirmation is not to be refused: what has just got its first pod is not listened at yet.
    if (this.#proxies.get(key)?.isSettled === false) return;
    for (const [slice, generation] of routed ?? []) await this.#confirmSlice(namespace, slice, generation);
    const service = this.#services.get(namespace, name);
    if (service === undefined || routed === undefined) return;
    await this.#writeIngress(key, service);
    const news = this.#newsOf(key, service);
    if (news !== undefined) await this.#events.tell(service, news);
  }

  // What a Service without selector leads to, as the API server's own does, has an address that people know already.
  #newsOf(key: string, service: Service): readonly News[] | undefined {
    const proxy = this.#proxies.get(key);
    if (proxy === undefined || service.spec.selector === undefined) return [];
    return listeningNews(proxy.plan, (place) => proxy.stateOf(place));
  }

  #saved(): readonly ServicePlan[] {
    try {
      return this.#file.load();
    } catch (error) {
      this.#log(`the saved routes cannot be used, routing waits for the API server: ${String(error)}`);
      return [];
    }
  }

  #save(): void {
    this.#isSaved = true;
    try {
      this.#file.save([...this.#proxies.values()].map((proxy) => proxy.plan));
    } catch (error) {
      this.#isSaved = false;
      this.#log(`the routes cannot be saved, a restart would go back to older ones: ${String(error)}`);
    }
  }

  async #confirmSlice(namespace: string, name: string, generation: number): Promise<void> {
    const metadata = this.#slices.get(namespace, name)?.metadata;
    if (metadata?.labels?.[endpointSliceManagedByLabel] !== embeddedEndpointSliceController) return;
    if (metadata.annotations?.[routedGenerationAnnotation] === String(generation)) return;
    await this.#patch(resources.endpointSlices, namespace, name, {
      metadata: { annotations: { [routedGenerationAnnotation]: String(generation) } },
    });
  }

  async #writeIngress(key: string, service: Service): Promise<void> {
    const { namespace = "", name } = service.metadata;
    const proxy = this.#proxies.get(key);
    const address = proxy?.plan.loadBalancerIp;
    if (proxy === undefined || address === undefined) return;
    const ingress = ingressFor(service, (port, protocol) =>
      proxy.stateOf(placeOf(address, port, protocol === "UDP" ? protocol : undefined)),
    );
    if (ingress === undefined || hasIngress(service, ingress)) return;
    const body = { status: { loadBalancer: { ingress } } };
    await this.#patch(resources.services, namespace, name, body, "status");
  }

  async #patch(
    resource: Resource,
    namespace: string,
    name: string,
    body: object,
    subresource?: string,
  ): Promise<void> {
    const patch = { type: "merge", body, ...(subresource === undefined ? {} : { subresource }) } as const;
    // Of what has been deleted in the meantime there is nothing left to tell.
    await this.#client.patch(resource, namespace, name, patch).catch(unlessGone);
  }
}

function serviceOf(slice: EndpointSlice): string {
  return keyOf(slice, slice.metadata.labels?.[serviceNameLabel] ?? "");
}
