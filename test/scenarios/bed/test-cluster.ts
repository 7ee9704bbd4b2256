import { resources } from "../../../src/api/resources.ts";
import type { Dialect } from "../../../src/cluster/in-process/dialect.ts";
import { InProcessCluster } from "../../../src/cluster/in-process/in-process-cluster.ts";
import { Controller } from "../../../src/controller/controller.ts";
import type { Planner } from "../../../src/controller/rollouts.ts";
import { KubernetesClient } from "../../../src/kubernetes/client.ts";
import type { Transport } from "../../../src/kubernetes/transport.ts";
import type { Setting } from "./setting.ts";
import { type Fault, SeveredTransport } from "./severed-transport.ts";
import { Witness } from "./witness.ts";

/** What is not as it is everywhere. */
export interface ClusterChanges {
  /** What stands between the controller and the API server. */
  readonly disturb?: (apiServer: Transport) => Transport;
  /** What the controller decides by. */
  readonly plan?: Planner;
}

/** A whole cluster with Teal's controller, in one process and on one hand-moved clock, and somebody who watches all writes. */
export class TestCluster extends InProcessCluster {
  /** What the controller has told. */
  readonly log: string[] = [];
  /** The scenario's own way to the API: what people do with kubectl. */
  readonly client: KubernetesClient = this.clientNamed("scenario");
  readonly #changes: ClusterChanges;
  #witness: Witness | undefined;
  #controller: Controller | undefined;
  #transport: SeveredTransport;
  #formerWrites = 0;

  constructor(setting: Setting, dialect: Dialect, changes: ClusterChanges = {}) {
    super({ ...setting, dialect });
    this.#changes = changes;
    this.#transport = new SeveredTransport(this.apiServer);
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
    await this.run();
    this.#witness = new Witness(this.client);
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

  /** Lets writes of the present controller fail. */
  failWrites(fault: Fault): void {
    this.#transport.fail(fault);
  }

  override async stop(): Promise<void> {
    await this.#controller?.stop();
    this.#witness?.stop();
    await super.stop();
  }

  // A refused request is the controller's everyday life; a bug of its own is not.
  #hear(line: string): void {
    this.log.push(line);
    if (line.includes("internal error")) this.problems.push(line);
  }
}
