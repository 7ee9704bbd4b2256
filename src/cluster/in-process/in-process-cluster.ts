import { resources } from "../../api/resources.ts";
import { KubernetesClient } from "../../kubernetes/client.ts";
import { ManualClock } from "../../time/manual-clock.ts";
import { addressesOf } from "../addresses.ts";
import { ApiServer } from "../api-server/api-server.ts";
import { NodeAgent } from "../node/node-agent.ts";
import type { BehaviourRule } from "../node/simulated-behaviour.ts";
import { SimulatedDriver } from "../node/simulated-driver.ts";
import { Store } from "../store/store.ts";
import { EndpointSliceController } from "../workloads/endpoint-slice/endpoint-slice-controller.ts";
import { builtIn, startWorkloads, type Workloads } from "../workloads/workloads.ts";
import { ConfirmingTraffic } from "./confirming-traffic.ts";
import type { Dialect } from "./dialect.ts";
import { LaggingTransport } from "./lagging-transport.ts";
import { PlainEndpoints } from "./plain-endpoints.ts";

const addresses = addressesOf(194);
const plainStatusLagSeconds = 0.005;
const replicaSetStatus = /^PATCH .*\/replicasets\/[^/]+\/status$/;

const node = {
  name: "laptop",
  address: "127.0.0.1",
  version: "v1.34.0",
  machine: {
    architecture: "amd64",
    operatingSystem: "linux",
    kernelVersion: "6.0",
    osImage: "simulated",
    cpus: 2,
    memoryBytes: 2 ** 30,
  },
};

export interface InProcessOptions {
  readonly dialect: Dialect;
  /** How pods of an image behave. */
  readonly behaviours: readonly BehaviourRule[];
  /** How long it takes until requests follow what a Service says. */
  readonly routesAfterSeconds: number | "never";
}

/**
 * A whole cluster in one process and on one hand-moved clock, the same in every run: the real store, API server, built-in
 * controllers and node agent over pods that are played, and a stand-in for what makes requests follow a Service.
 */
export class InProcessCluster {
  readonly clock = new ManualClock();
  /** What went wrong and was done again, as the parts told it. */
  readonly problems: string[] = [];
  readonly store = new Store();
  readonly apiServer: ApiServer;
  readonly driver: SimulatedDriver;
  /** What makes requests follow a Service. */
  readonly traffic: ConfirmingTraffic | PlainEndpoints;
  readonly #dialect: Dialect;
  readonly #workloadsTransport: LaggingTransport;
  readonly #node: NodeAgent;
  #workloads: Workloads | undefined;

  constructor({ dialect, behaviours, routesAfterSeconds }: InProcessOptions) {
    const { clock } = this;
    const onProblem = (problem: string) => this.problems.push(problem);
    this.#dialect = dialect;
    this.apiServer = new ApiServer({ store: this.store, clock, addresses, random: seeded() });
    this.driver = new SimulatedDriver({ clock, addresses, behaviours });
    this.traffic =
      dialect === "embedded"
        ? new ConfirmingTraffic(this.clientNamed("teal-traffic"), clock, routesAfterSeconds)
        : new PlainEndpoints(this.clientNamed("endpointslice-controller"), clock, routesAfterSeconds);
    const lagSeconds = dialect === "embedded" ? 0 : plainStatusLagSeconds;
    this.#workloadsTransport = new LaggingTransport(this.apiServer, clock, replicaSetStatus, lagSeconds);
    this.#node = new NodeAgent({
      client: this.clientNamed("kubelet"),
      clock,
      driver: this.driver,
      onProblem,
      node,
    });
  }

  /** Somebody's way to the API. */
  clientNamed(userAgent: string): KubernetesClient {
    return new KubernetesClient(this.apiServer, userAgent);
  }

  /** Everything runs when this resolves; takes a second of the clock. */
  async run(): Promise<void> {
    const { clock } = this;
    const controllers =
      this.#dialect === "embedded" ? builtIn : builtIn.filter((one) => one !== EndpointSliceController);
    const starting = startWorkloads({
      apiServer: this.#workloadsTransport,
      clock,
      loadBalancers: { is: "block", addresses },
      onProblem: (problem) => this.problems.push(problem),
      controllers,
    });
    const started = this.#node.start();
    await clock.advance(1);
    this.#workloads = await starting;
    await started;
    // It stands for as many nodes as are needed: pods that must not be beside each other are not.
    await this.clientNamed("node").patch(resources.nodes, undefined, node.name, {
      type: "merge",
      body: { metadata: { labels: { "kubernetes.io/hostname": null } } },
    });
    this.traffic.start();
  }

  /** How late ReplicaSets' statuses are, seconds. */
  delayStatuses(seconds: number): void {
    this.#workloadsTransport.seconds = seconds;
  }

  async stop(): Promise<void> {
    this.#workloadsTransport.stop();
    await this.#workloads?.stop();
    await this.#node.stop({ pods: "keep" });
    this.traffic.stop();
    this.driver.end();
    await this.clock.settle();
  }
}

/** From 0 to 1, the same numbers in every run. */
function seeded(): () => number {
  let state = 1;
  return () => {
    // Park and Miller's generator.
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
