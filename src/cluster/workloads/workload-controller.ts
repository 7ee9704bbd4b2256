import type { KubernetesClient } from "../../kubernetes/client.ts";
import type { Clock } from "../../time/clock.ts";
import type { UsageSource } from "./autoscaler/usage-samples.ts";
import type { Caches } from "./caches.ts";
import type { ServedObjects } from "./garbage-collector/served-objects.ts";
import type { LoadBalancerRange } from "./load-balancer/load-balancer-addresses.ts";

/** What every built-in controller works with. */
export interface WorkloadOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly caches: Caches;
  readonly served: ServedObjects;
  /** The certificate, as PEM, that the API server's own is signed with; none where it is spoken to without TLS. */
  readonly certificateAuthority?: string | undefined;
  /** What LoadBalancer Services are given; nothing when absent. */
  readonly loadBalancers?: LoadBalancerRange | undefined;
  /** What pods use; absent where that cannot be measured. */
  readonly usage?: UsageSource | undefined;
  /** Told in words what went wrong; the work is done again by itself. */
  readonly onProblem: (problem: string) => void;
}

/** A control loop of the embedded cluster. Started once, when the caches are filled. */
export interface WorkloadController {
  start(): void;
  /** Resolves when nothing of it is running or waiting any more. */
  stop(): Promise<void>;
}
