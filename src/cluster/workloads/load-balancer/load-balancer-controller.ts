import type { Service } from "../../../api/core.ts";
import { keyOf } from "../../../api/metadata.ts";
import { resources } from "../../../api/resources.ts";
import type { Cancel } from "../../../time/clock.ts";
import { ControlLoop } from "../control-loop.ts";
import type { WorkloadController, WorkloadOptions } from "../workload-controller.ts";
import { LoadBalancerAddresses } from "./load-balancer-addresses.ts";

/**
 * Gives every LoadBalancer Service an address in its status, as a cloud does. Services of a `loadBalancerClass` are somebody
 * else's. Whether the ports of an address can be connected to is noted beside it by who listens there.
 */
export class LoadBalancerController implements WorkloadController {
  readonly #loop: ControlLoop<Service>;
  readonly #addresses: LoadBalancerAddresses | undefined;
  /** Why Services have no address, as they were told last. */
  readonly #pending = new Map<string, string>();
  #unsubscribe: Cancel = () => {};

  constructor(options: WorkloadOptions) {
    const { loadBalancers, caches } = options;
    this.#addresses = loadBalancers === undefined ? undefined : new LoadBalancerAddresses(loadBalancers);
    this.#loop = new ControlLoop<Service>(options, {
      resource: resources.services,
      cache: caches.services,
      component: "service-controller",
      sync: async (service) => {
        await this.#sync(service);
        return undefined;
      },
    });
  }

  start(): void {
    // Who has an address comes before who wants one.
    for (const service of this.#loop.cache.list()) {
      const present = addressOf(service);
      if (present !== undefined && isOurs(service)) this.#addresses?.assign(keyOf(service), service, present);
    }
    this.#unsubscribe = this.#loop.cache.subscribe(({ type, object }) => {
      if (type === "deleted") this.#release(keyOf(object));
    });
    this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#loop.stop();
  }

  async #sync(service: Service): Promise<void> {
    const key = keyOf(service);
    if (!isOurs(service)) {
      this.#release(key);
      return;
    }
    const present = addressOf(service);
    const assignment = this.#addresses?.assign(key, service, present);
    if (assignment === undefined) return;
    if (present !== undefined) this.#wakeWaiting(key);
    const about = { ...service, apiVersion: "v1", kind: "Service" };
    if ("refused" in assignment) {
      const message = `Error syncing load balancer: failed to ensure load balancer: ${assignment.refused}`;
      if (this.#pending.get(key) !== message)
        this.#loop.tell(about, "Warning", "SyncLoadBalancerFailed", message);
      this.#pending.set(key, message);
      if (present !== undefined)
        await this.#loop.writeStatus(service, { ...service.status, loadBalancer: {} });
      return;
    }
    this.#pending.delete(key);
    if (assignment.address === present) return;
    this.#loop.tell(about, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer");
    const ingress = [{ ip: assignment.address, ipMode: "VIP" }];
    await this.#loop.writeStatus(service, { ...service.status, loadBalancer: { ingress } });
    this.#loop.tell(about, "Normal", "EnsuredLoadBalancer", "Ensured load balancer");
  }

  /** What one Service gives back, or has no more with other ports, another one may have waited for. */
  #release(key: string): void {
    this.#pending.delete(key);
    if (this.#addresses?.release(key) === true) this.#wakeWaiting(key);
  }

  #wakeWaiting(key: string): void {
    for (const waiting of this.#pending.keys()) if (waiting !== key) this.#loop.wake(waiting);
  }
}

function isOurs({ metadata, spec }: Service): boolean {
  const isDeparting = metadata.deletionTimestamp !== undefined;
  return spec.type === "LoadBalancer" && (spec.loadBalancerClass ?? "") === "" && !isDeparting;
}

function addressOf({ status }: Service): string | undefined {
  return status?.loadBalancer?.ingress?.[0]?.ip;
}
