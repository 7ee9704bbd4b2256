import { resources } from "../../../src/api/resources.ts";
import { addressesOf } from "../../../src/cluster/addresses.ts";
import { ApiServer } from "../../../src/cluster/api-server/api-server.ts";
import { NodeAgent } from "../../../src/cluster/node/node-agent.ts";
import { SimulatedDriver } from "../../../src/cluster/node/simulated-driver.ts";
import { Store } from "../../../src/cluster/store/store.ts";
import { GarbageCollector } from "../../../src/cluster/workloads/garbage-collector/garbage-collector.ts";
import { NamespaceController } from "../../../src/cluster/workloads/namespace-controller.ts";
import { ReplicaSetController } from "../../../src/cluster/workloads/replica-set/replica-set-controller.ts";
import { startWorkloads, type Workloads } from "../../../src/cluster/workloads/workloads.ts";
import { Controller } from "../../../src/controller/controller.ts";
import type { Planner } from "../../../src/controller/rollouts.ts";
import { KubernetesClient } from "../../../src/kubernetes/client.ts";
import type { Transport } from "../../../src/kubernetes/transport.ts";
import { ManualClock } from "../../../src/time/manual-clock.ts";
import type { Dialect } from "./dialect.ts";
import { LaggingTransport } from "./lagging-transport.ts";
import { PlainEndpoints } from "./plain-endpoints.ts";
import type { Setting } from "./setting.ts";
import { type Fault, SeveredTransport } from "./severed-transport.ts";
import { Traffic } from "./traffic.ts";
import { Witness } from "./witness.ts";

const addresses = addressesOf(194);
const plainStatusLagSeconds = 0.005;
const replicaSetStatus = /^PATCH .*\/replicasets\/[^/]+\/status$/;

/** What is not as it is everywhere. */
export interface ClusterChanges {
  /** What stands between the controller and the API server. */
  readonly disturb?: (apiServer: Transport) => Transport;
  /** What the controller decides by. */
  readonly plan?: Planner;
}

/**
 * A whole cluster with Teal's controller, in one process and on one hand-moved clock: the real store, API server, built-in
 * controllers and node agent over pods that are played, and a stand-in for what makes requests follow a Service.
 */
export class TestCluster {
  readonly clock = new ManualClock();
  /** What went wrong and was done again, as the parts told it. */
  readonly problems: string[] = [];
  /** What the controller has told. */
  readonly log: string[] = [];
  readonly store = new Store();
  readonly apiServer: ApiServer;
  /** The scenario's own way to the API: what people do with kubectl. */
  readonly client: KubernetesClient;
  readonly driver: SimulatedDriver;
  /** What makes requests follow a Service. */
  readonly traffic: Traffic | PlainEndpoints;
  readonly #dialect: Dialect;
  readonly #workloadsTransport: LaggingTransport;
  readonly #node: NodeAgent;
  #witness: Witness | undefined;
  #workloads: Workloads | undefined;
  #controller: Controller | undefined;
  #transport: SeveredTransport;
  #formerWrites = 0;

  readonly #changes: ClusterChanges;

  constructor(setting: Setting, dialect: Dialect, changes: ClusterChanges = {}) {
    const { clock } = this;
    this.#changes = changes;
    this.#dialect = dialect;
    const onProblem = (problem: string) => this.problems.push(problem);
    this.apiServer = new ApiServer({ store: this.store, clock, addresses, random: seeded() });
    this.client = new KubernetesClient(this.apiServer, "scenario");
    this.driver = new SimulatedDriver({ clock, addresses, behaviours: setting.behaviours });
    const isPlain = dialect === "plain Kubernetes";
    this.traffic = isPlain
      ? new PlainEndpoints(
          new KubernetesClient(this.apiServer, "endpointslice-controller"),
          clock,
          setting.routesAfterSeconds,
        )
      : new Traffic(new KubernetesClient(this.apiServer, "teal-traffic"), clock, setting.routesAfterSeconds);
    this.#workloadsTransport = new LaggingTransport(
      this.apiServer,
      clock,
      replicaSetStatus,
      isPlain ? plainStatusLagSeconds : 0,
    );
    this.#transport = new SeveredTransport(this.apiServer);
    this.#node = new NodeAgent({
      client: new KubernetesClient(this.apiServer, "kubelet"),
      clock,
      driver: this.driver,
      onProblem,
      node: {
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
      },
    });
  }

  get witness(): Witness {
    if (this.#witness === undefined) throw new Error("the cluster has not been started");
    return this.#witness;
  }

  /** How many writes Teal's controllers have asked for so far. */
  get controllerWrites(): number {
    return this.#formerWrites + this.#transport.writes;
  }

  /** How many of the present controller's writes were Events. */
  get controllerEvents(): number {
    return this.#transport.eventWrites;
  }

  get isControllerDead(): boolean {
    return this.#transport.isCut;
  }

  /** Whether the controller had to be stopped because it wrote on and on while no time passed. */
  get controllerWroteWithoutEnd(): boolean {
    return this.#transport.wroteWithoutEnd;
  }

  async start(definition: object): Promise<void> {
    await this.client.create(resources.customResourceDefinitions, undefined, definition);
    const starting = startWorkloads({
      apiServer: this.#workloadsTransport,
      clock: this.clock,
      onProblem: (problem) => this.problems.push(problem),
      ...(this.#dialect === "embedded" ? {} : { controllers: controllersBesideEndpoints }),
    });
    const node = this.#node.start();
    await this.clock.advance(1);
    this.#workloads = await starting;
    await node;
    this.#witness = new Witness(this.client);
    this.traffic.start();
    await this.startController();
  }

  /** A controller as a fresh process; dies after so many writes, if told so. */
  async startController(allowedWrites?: number): Promise<void> {
    this.#formerWrites += this.#transport.writes;
    const { disturb = (apiServer: Transport) => apiServer, plan } = this.#changes;
    this.#transport = new SeveredTransport(disturb(this.apiServer), allowedWrites);
    this.#controller = new Controller({
      client: new KubernetesClient(this.#transport, "teal"),
      clock: this.clock,
      log: (line) => this.#hear(line),
      ...(plan === undefined ? {} : { plan }),
    });
    void this.#controller.start();
    await this.clock.settle();
  }

  /** Ends the controller at once, in the middle of whatever it does. */
  async killController(): Promise<void> {
    this.#transport.cut();
    await this.#controller?.stop();
    this.#controller = undefined;
  }

  /** The controller is killed with its n-th write from now on. */
  killControllerAfter(n: number): void {
    this.#transport.cutAfter(n);
  }

  /** How late ReplicaSets' statuses are, seconds. */
  delayStatuses(seconds: number): void {
    this.#workloadsTransport.seconds = seconds;
  }

  /** Lets writes of the present controller fail. */
  failWrites(fault: Fault): void {
    this.#transport.fail(fault);
  }

  async stop(): Promise<void> {
    await this.#controller?.stop();
    this.#workloadsTransport.stop();
    await this.#workloads?.stop();
    await this.#node.stop({ pods: "keep" });
    this.traffic.stop();
    this.#witness?.stop();
    this.driver.end();
    await this.clock.settle();
  }

  // A refused request is the controller's everyday life; a bug of its own is not.
  #hear(line: string): void {
    this.log.push(line);
    if (line.includes("internal error")) this.problems.push(line);
  }
}

const controllersBesideEndpoints = [ReplicaSetController, GarbageCollector, NamespaceController];

/** From 0 to 1, the same numbers in every run. */
function seeded(): () => number {
  let state = 1;
  return () => {
    // Park and Miller's generator.
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
