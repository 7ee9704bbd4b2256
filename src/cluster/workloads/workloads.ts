import { KubernetesClient } from "../../kubernetes/client.ts";
import type { Transport } from "../../kubernetes/transport.ts";
import type { Clock } from "../../time/clock.ts";
import { AutoscalerController } from "./autoscaler/autoscaler-controller.ts";
import type { UsageSource } from "./autoscaler/usage-samples.ts";
import { Caches } from "./caches.ts";
import { CronJobController } from "./cron-job/cron-job-controller.ts";
import { DaemonSetController } from "./daemon-set/daemon-set-controller.ts";
import { DeploymentController } from "./deployment/deployment-controller.ts";
import { DisruptionController } from "./disruption/disruption-controller.ts";
import { EndpointSliceController } from "./endpoint-slice/endpoint-slice-controller.ts";
import { EndpointsController } from "./endpoint-slice/endpoints-controller.ts";
import { GarbageCollector } from "./garbage-collector/garbage-collector.ts";
import { ServedObjects, type ServedResource } from "./garbage-collector/served-objects.ts";
import { JobController } from "./job/job-controller.ts";
import type { LoadBalancerRange } from "./load-balancer/load-balancer-addresses.ts";
import { LoadBalancerController } from "./load-balancer/load-balancer-controller.ts";
import { NamespaceController } from "./namespace-controller.ts";
import { ReplicaSetController } from "./replica-set/replica-set-controller.ts";
import { ServiceNotes } from "./service-notes.ts";
import { StatefulSetController } from "./stateful-set/stateful-set-controller.ts";
import type { WorkloadController, WorkloadOptions } from "./workload-controller.ts";

/** The control loops that the embedded cluster has built in. */
export const builtIn = [
  ReplicaSetController,
  DeploymentController,
  StatefulSetController,
  DaemonSetController,
  JobController,
  CronJobController,
  DisruptionController,
  AutoscalerController,
  EndpointSliceController,
  EndpointsController,
  LoadBalancerController,
  ServiceNotes,
  GarbageCollector,
  NamespaceController,
];

export interface WorkloadsOptions {
  /** Says what it serves at this moment, custom resources included. */
  readonly apiServer: Transport & { resources(): readonly ServedResource[] };
  readonly clock: Clock;
  /** As PEM; every namespace gets it in a ConfigMap. */
  readonly certificateAuthority?: string;
  /** What LoadBalancer Services are given; nothing when absent. */
  readonly loadBalancers?: LoadBalancerRange;
  /** What pods use; absent where that cannot be measured. */
  readonly usage?: UsageSource;
  /** Told in words what goes wrong. Nothing has to be done about it: the work is done again. */
  readonly onProblem: (problem: string) => void;
  /** All that are built in, when absent. */
  readonly controllers?: readonly (new (
    options: WorkloadOptions,
  ) => WorkloadController)[];
}

export interface Workloads {
  /** Resolves when nothing of the controllers is running or waiting any more. */
  stop(): Promise<void>;
}

/** Starts the built-in controllers; resolves when they have seen all that is there. */
export async function startWorkloads(options: WorkloadsOptions): Promise<Workloads> {
  const {
    apiServer,
    clock,
    onProblem,
    certificateAuthority,
    loadBalancers,
    usage,
    controllers = builtIn,
  } = options;
  const client = new KubernetesClient(apiServer, "kube-controller-manager");
  const caches = new Caches(client, clock, onProblem);
  const served = new ServedObjects({ client, clock, onProblem, served: () => apiServer.resources() });
  caches.start();
  served.start();
  await Promise.all([caches.whenSynced(), served.whenSynced()]);
  const running = controllers.map(
    (Controller) =>
      new Controller({
        client,
        clock,
        caches,
        served,
        certificateAuthority,
        loadBalancers,
        usage,
        onProblem,
      }),
  );
  for (const controller of running) controller.start();
  return {
    async stop() {
      caches.stop();
      served.stop();
      await Promise.all(running.map((controller) => controller.stop()));
    },
  };
}
