import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Service } from "../../../src/api/core.ts";
import { podTemplateHashLabel } from "../../../src/api/names.ts";
import { resources } from "../../../src/api/resources.ts";
import type { Rollout, RolloutSpec } from "../../../src/api/rollout.ts";
import { ControllerProcess } from "./controller-process.ts";
import { FaultProxy, makeProxyCertificate } from "./fault-proxy.ts";
import type { Fault } from "./faults.ts";
import {
  activeService,
  namespaceOf,
  previewService,
  rolloutName,
  rolloutOf,
  type Setting,
  serviceOf,
  templateOf,
} from "./manifests.ts";
import { Observer } from "./observer.ts";
import { type RealCluster, realCluster } from "./real-cluster.ts";
import { Room, type View } from "./room.ts";

/** The longest that any step may take. A request without answer alone costs the controller half a minute. */
const patienceSeconds = 120;
const defaultProgressDeadline = 600;

/** What all cells of a run share. */
export class Laboratory {
  readonly cluster: RealCluster;
  readonly observer: Observer;
  readonly certificate: Awaited<ReturnType<typeof makeProxyCertificate>>;
  readonly run = Date.now().toString(36);
  readonly folder = mkdtempSync(join(tmpdir(), "teal-real-"));
  #cells = 0;

  private constructor(cluster: RealCluster, certificate: Laboratory["certificate"]) {
    this.cluster = cluster;
    this.observer = new Observer(cluster.client);
    this.certificate = certificate;
  }

  static async open(): Promise<Laboratory> {
    const laboratory = new Laboratory(await realCluster(), await makeProxyCertificate());
    await laboratory.observer.start();
    return laboratory;
  }

  nextNamespace(): string {
    this.#cells += 1;
    return `teal-${this.run}-${this.#cells}`;
  }

  /** Waits until everything that the cells made is gone. */
  async close(): Promise<void> {
    this.observer.stop();
    rmSync(this.folder, { recursive: true });
    const { client } = this.cluster;
    const labelSelector = `teal.dev/test-run=${this.run}`;
    const { items, metadata } = await client.list(resources.namespaces, { labelSelector });
    const left = new Set(items.map((namespace) => namespace.metadata.name));
    if (left.size === 0) return;
    const { resourceVersion } = metadata;
    await new Promise<void>((resolve, reject) => {
      const options = { labelSelector, resourceVersion, timeoutSeconds: patienceSeconds };
      const stop = client.watch(resources.namespaces, options, {
        event: ({ type, object }) => {
          if (type !== "DELETED") return;
          left.delete(object.metadata.name);
          if (left.size > 0) return;
          stop();
          resolve();
        },
        ended: (error) => reject(error ?? new Error(`still there: ${[...left].join(", ")}`)),
      });
    });
  }
}

/** One scenario under one fault: a namespace, a controller of its own, and the proxy between it and the API server. */
export class Cell {
  readonly fault: Fault;
  readonly room: Room;
  readonly proxy: FaultProxy;
  controller: ControllerProcess;
  readonly #teal: ControllerProcess;
  readonly #laboratory: Laboratory;
  readonly #setting: Setting;

  private constructor(
    laboratory: Laboratory,
    room: Room,
    { setting, fault }: { readonly setting: Setting; readonly fault: Fault },
    proxy: FaultProxy,
    teal: ControllerProcess,
    controller: ControllerProcess,
  ) {
    this.#laboratory = laboratory;
    this.#setting = setting;
    this.fault = fault;
    this.room = room;
    this.proxy = proxy;
    this.#teal = teal;
    this.controller = controller;
  }

  /** A namespace with both Services, and a controller that watches it: Teal, or another one that Teal follows later. */
  static async open(
    laboratory: Laboratory,
    name: string,
    setting: Setting,
    fault: Fault,
    other?: (namespace: string) => ControllerProcess,
  ): Promise<Cell> {
    const { cluster, observer, certificate, folder, run } = laboratory;
    const room = new Room(laboratory.nextNamespace());
    observer.open(room);
    const { namespace } = room;
    await cluster.client.create(resources.namespaces, undefined, namespaceOf(namespace, run));
    const proxy = await FaultProxy.start(cluster.upstream, certificate, fault, `${name} ${fault.name}`);
    const kubeconfig = join(folder, namespace);
    proxy.writeKubeconfig(kubeconfig, certificate);
    const teal = ControllerProcess.teal(namespace, kubeconfig);
    const controller = other?.(namespace) ?? teal;
    const cell = new Cell(laboratory, room, { setting, fault }, proxy, teal, controller);
    controller.start();
    try {
      await cell.createService(activeService, setting.activeService);
      await cell.createService(previewService);
      // Pods are refused before.
      await cell.until({ hasServiceAccount: true });
      return cell;
    } catch (error) {
      await cell.close();
      throw error;
    }
  }

  /** Ends everything; the namespace goes away by itself. The exit code of the controller. */
  async close(): Promise<number | null> {
    const { cluster, observer } = this.#laboratory;
    const code = await this.controller.stop();
    await this.proxy.stop();
    observer.close(this.room);
    await cluster.client.delete(resources.namespaces, undefined, this.room.namespace);
    return code;
  }

  /** The other controller ends, and Teal begins. */
  async handOver(): Promise<void> {
    await this.controller.stop();
    this.controller = this.#teal;
    this.controller.start();
  }

  /** Waits until the API shows all of this at once. */
  async until(expected: Partial<View>): Promise<void> {
    await this.when(
      (view) =>
        Object.entries(expected).every(([field, value]) =>
          isDeepStrictEqual(view[field as keyof View], value),
        ),
      `expected ${JSON.stringify(expected)}`,
    );
  }

  async when(holds: (view: View) => boolean, text: string): Promise<void> {
    const { room, controller } = this;
    const deadline = Promise.withResolvers<"late">();
    const timer = setTimeout(() => deadline.resolve("late"), patienceSeconds * 1000);
    try {
      for (;;) {
        const next = room.nextChange();
        if (holds(room.view())) return;
        if ((await Promise.race([next, deadline.promise, controller.death])) === "late")
          throw new Error(`after ${patienceSeconds} s: ${text}`);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** What helps to understand a failure. */
  report(): string {
    return [
      `there is ${JSON.stringify(this.room.view())}`,
      `status ${JSON.stringify(this.room.rollout()?.status)}`,
      ...this.room.violations().map((text) => `violated: ${text}`),
      `controller:\n${this.controller.log}`,
    ].join("\n");
  }

  /** The first version may go live at once; of all others, only those that `allow` or `promote` name. */
  async deploy(version: string): Promise<void> {
    if (this.room.rollout() === undefined) {
      this.room.allow(version);
      await this.#client.create(resources.rollouts, this.#namespace, rolloutOf(version, this.#setting));
    } else {
      await this.change({ template: templateOf(version) });
    }
  }

  async running(version: string): Promise<void> {
    await this.deploy(version);
    await this.until({ phase: "Healthy", active: version, preview: version, stable: version });
  }

  /** Users may be sent to this version too. */
  allow(version: string): void {
    this.room.allow(...this.room.allowed, version);
  }

  async promote(version: string): Promise<void> {
    this.allow(version);
    await this.changeStatus({ pauseConditions: null });
  }

  async abort(): Promise<void> {
    await this.changeStatus({ abort: true });
  }

  async retry(): Promise<void> {
    await this.changeStatus({ abort: false });
  }

  async change(spec: { readonly [Field in keyof RolloutSpec]?: RolloutSpec[Field] | null }): Promise<void> {
    await this.#client.patch(resources.rollouts, this.#namespace, rolloutName, {
      type: "merge",
      body: { spec },
    });
  }

  async changeStatus(status: object): Promise<void> {
    const patch = { type: "merge", body: { status }, subresource: "status" } as const;
    await this.#client.patch(resources.rollouts, this.#namespace, rolloutName, patch);
  }

  async createService(name: string, spec: Partial<Service["spec"]> = {}): Promise<void> {
    await this.#client.create(resources.services, this.#namespace, serviceOf(name, spec));
  }

  service(name: string): Promise<Service> {
    return this.#client.get(resources.services, this.#namespace, name);
  }

  async deleteService(name: string): Promise<void> {
    await this.#client.delete(resources.services, this.#namespace, name);
  }

  /** As a declarative tool does that knows nothing of the hash. */
  async stripSelector(name: string): Promise<void> {
    const body = { spec: { selector: { [podTemplateHashLabel]: null } } };
    await this.#client.patch(resources.services, this.#namespace, name, { type: "merge", body });
  }

  async deleteRollout(): Promise<void> {
    await this.#client.delete(resources.rollouts, this.#namespace, rolloutName);
  }

  /** From the next switch on, the controller does not learn what became of it: until `proxy.release()`. */
  holdConfirmation(): void {
    this.proxy.holdFrom(({ method, path }) =>
      method === "PATCH" && path.endsWith(`/services/${activeService}`) ? "endpointslices" : undefined,
    );
  }

  /** Kills the controller with its n-th write from now on, which is still carried out, and starts another one. */
  killedAtWrite(n: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let left = n;
    this.proxy.onWrite = () => {
      left -= 1;
      if (left > 0) return;
      this.proxy.onWrite = undefined;
      this.controller
        .kill()
        .then(() => this.controller.start())
        .then(resolve, reject);
    };
    return promise;
  }

  /** Fulfilled when the controller has gone through everything once more. */
  async looksAgain(): Promise<void> {
    const { spec, metadata } = this.room.rollout() as Rollout;
    const { progressDeadlineSeconds = defaultProgressDeadline } = spec;
    await this.change({ progressDeadlineSeconds: progressDeadlineSeconds + 1 });
    await this.when(
      () => Number(this.room.rollout()?.status?.observedGeneration) > (metadata.generation ?? 0),
      "expected the controller to look again",
    );
  }

  /** The end of a story: this is so, stays so when the controller looks again, and nothing wrong happened on the way. */
  async end(expected: Partial<View>): Promise<void> {
    await this.until(expected);
    if (this.room.rollout() !== undefined) {
      await this.looksAgain();
      const view = this.room.view();
      assert.deepEqual(pick(view, Object.keys(expected)), expected, "after the controller looked again");
    }
    assert.deepEqual(this.room.violations(), []);
  }

  get #client() {
    return this.#laboratory.cluster.client;
  }

  get #namespace(): string {
    return this.room.namespace;
  }
}

function pick(view: View, fields: readonly string[]): Partial<View> {
  return Object.fromEntries(Object.entries(view).filter(([field]) => fields.includes(field)));
}
