import assert from "node:assert/strict";
import type { EndpointSlice, KubernetesObject, Pod, ReplicaSet, Service } from "../../src/api/core.ts";
import {
  endpointSliceManagedByLabel,
  kubernetesEndpointSliceController,
  podTemplateHashLabel,
  serviceNameLabel,
} from "../../src/api/names.ts";
import { resources } from "../../src/api/resources.ts";
import type { BlueGreenStrategy, Rollout, RolloutSpec, RolloutStatus } from "../../src/api/rollout.ts";
import type { Action, PlannedEvent } from "../../src/rollout/action.ts";
import { identified } from "../../src/rollout/identified-replica-set.ts";
import type { Plan } from "../../src/rollout/pass.ts";
import { plan } from "../../src/rollout/plan.ts";
import { hashOf, sizeOf } from "../../src/rollout/replica-set.ts";
import type { Snapshot } from "../../src/rollout/snapshot.ts";
import { type Instant, instant, later } from "../../src/time/clock.ts";

type Mutable = Record<string, unknown>;

/**
 * A cluster as small as the planner needs it: objects that change as a plan says, pods that are available at once unless
 * a test says otherwise, and endpoints that follow selectors. No queue, no API, no time but `now`. Generations are
 * counted as an API server does. Every plan is watched: a version that users reach is never shrunk.
 */
export class World {
  now: Instant = instant(Date.UTC(2026, 0, 1));
  rollout: Rollout;
  replicaSets: ReplicaSet[] = [];
  readonly services = new Map<string, Service>();
  readonly rivals = new Map<string, readonly string[]>();
  /** Images of which no more than so many pods become available. */
  readonly #most = new Map<string, number>();
  /** Whether ReplicaSets' statuses stay as they are for now, whatever becomes of the pods. */
  #isStatusLate = false;
  readonly unknown = new Map<string, string>();
  /** Services whose endpoints do not follow their selector for now. */
  readonly lagging = new Map<string, readonly EndpointSlice[]>();
  /** Everything that was recorded, in order. */
  readonly events: string[] = [];
  /** The same in full: `Warning Reason: message`. */
  readonly news: string[] = [];
  /** Every call that was made, in the words of `callOf`; status patches are `patch status`. */
  readonly calls: string[] = [];
  last: Plan | undefined;
  #version = 1;

  constructor(blueGreen: Partial<BlueGreenStrategy> = {}, spec: Partial<RolloutSpec> = {}) {
    this.rollout = {
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Rollout",
      metadata: { name: "web", namespace: "shop", uid: "rollout-uid", generation: 1, resourceVersion: "1" },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: "web" } },
        template: template("web:1"),
        strategy: { blueGreen: { activeService: "web", previewService: "web-preview", ...blueGreen } },
        ...spec,
      },
    };
    for (const name of ["web", "web-preview"]) this.addService(name);
  }

  get status(): RolloutStatus {
    return this.rollout.status ?? {};
  }

  get snapshot(): Snapshot {
    return {
      rollout: this.rollout,
      replicaSets: this.replicaSets.map(identified),
      claims: [...this.rivals].flatMap(([service, names]) =>
        names.map((by) => ({ route: `service shop/${service}`, by, isLive: false })),
      ),
      unknown: [...this.unknown].map(([plural, because]) => ({ plural, because })),
      objects: [
        ...this.services.values(),
        ...[...this.services.keys()].flatMap((name) => this.lagging.get(name) ?? this.slices(name)),
        ...this.#pods(),
        smokeTest,
      ],
    };
  }

  /** Plans and carries out until nothing is left to do; fails when that never comes. */
  settle(): this {
    for (let pass = 0; pass < 50; pass += 1) {
      const next = plan(this.snapshot, this.now);
      this.last = next;
      const isQuiet = next.actions.length === 0 && same(next.status, this.rollout.status);
      if (isQuiet) {
        assert.deepEqual(next.events, [], "a pass that changes nothing records nothing");
        return this;
      }
      this.carryOut(next);
    }
    return assert.fail(`still acting after 50 passes: ${this.calls.slice(-6).join(", ")}`);
  }

  carryOut(next: Plan): void {
    for (const action of next.actions) {
      this.#judge(action);
      this.#act(action);
      this.calls.push(callOf(action));
      if (action.event !== undefined) this.#record(action.event);
    }
    if (!same(next.status, this.rollout.status)) {
      this.calls.push("patch status");
      assertSteadyWait(next.status);
      this.rollout = { ...this.rollout, status: next.status };
    }
    for (const event of next.events) this.#record(event);
    this.#runPods();
  }

  #record({ type, reason, message }: PlannedEvent): void {
    this.events.push(reason);
    this.news.push(`${type} ${reason}: ${message}`);
  }

  /** Lets time pass: seconds, and parts of them. */
  pass(seconds: number): this {
    this.now = later(this.now, seconds);
    return this.settle();
  }

  edit(spec: Partial<RolloutSpec>): this {
    const { metadata } = this.rollout;
    this.rollout = {
      ...this.rollout,
      metadata: { ...metadata, generation: (metadata.generation ?? 0) + 1 },
      spec: { ...this.rollout.spec, ...spec },
    };
    return this;
  }

  deploy(image: string): this {
    return this.edit({ template: template(image) });
  }

  ask(status: Partial<RolloutStatus>): this {
    this.rollout = { ...this.rollout, status: { ...this.rollout.status, ...status } };
    return this;
  }

  promote(): this {
    return this.ask({ pauseConditions: [] });
  }

  select(service: string, hash: string | undefined): this {
    const known = this.services.get(service);
    assert(known !== undefined);
    const selector = hash === undefined ? { app: "web" } : { app: "web", [podTemplateHashLabel]: hash };
    this.services.set(service, { ...known, spec: { ...known.spec, selector } });
    return this;
  }

  addService(name: string): this {
    this.services.set(name, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: "shop", uid: `${name}-uid`, resourceVersion: "1" },
      spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
    });
    return this;
  }

  /** Of the image's pods no more than `available` are from now on. */
  fail(image: string, available = 0): this {
    this.#most.set(image, available);
    this.#runPods();
    return this;
  }

  heal(image: string): this {
    this.#most.delete(image);
    this.#runPods();
    return this;
  }

  /** From now on ReplicaSets' statuses are late: they tell what was, and of which generation. */
  delayStatuses(): this {
    this.#isStatusLate = true;
    return this;
  }

  catchUpStatuses(): this {
    this.#isStatusLate = false;
    this.#runPods();
    return this;
  }

  /** The image that a Service's selector leads to; all that it may reach when it has no hash. */
  live(service = "web"): string {
    const hash = this.services.get(service)?.spec.selector?.[podTemplateHashLabel];
    const reached = this.replicaSets.filter(
      (replicaSet) => sizeOf(replicaSet) > 0 && (hash === undefined || hashOf(replicaSet) === hash),
    );
    return reached.map(imageOf).join("+");
  }

  size(image: string): number {
    return sizeOf(this.of(image));
  }

  of(image: string): ReplicaSet | undefined {
    return this.replicaSets.find((replicaSet) => imageOf(replicaSet) === image);
  }

  condition(type: string): string {
    const found = this.status.conditions?.find((condition) => condition.type === type);
    return `${found?.status} ${found?.reason}`;
  }

  slices(service: string): readonly EndpointSlice[] {
    const selector = this.services.get(service)?.spec.selector ?? {};
    const ready = this.#pods().filter((pod) =>
      Object.entries(selector).every(([key, value]) => pod.metadata.labels?.[key] === value),
    );
    return [
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: {
          name: `${service}-x`,
          namespace: "shop",
          labels: {
            [serviceNameLabel]: service,
            [endpointSliceManagedByLabel]: kubernetesEndpointSliceController,
          },
        },
        addressType: "IPv4",
        endpoints: ready.map((pod) => ({
          addresses: ["127.0.0.1"],
          conditions: { ready: true },
          targetRef: { kind: "Pod", name: pod.metadata.name },
        })),
      },
    ];
  }

  /** Those that are available, whether or not the status says so yet. */
  #pods(): Pod[] {
    return this.replicaSets.flatMap((replicaSet) =>
      Array.from({ length: this.#up(replicaSet) }, (_, n) => ({
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          name: `${replicaSet.metadata.name}-${n}`,
          namespace: "shop",
          labels: replicaSet.spec.template.metadata?.labels ?? {},
        },
        spec: { containers: [] },
      })),
    );
  }

  #up(replicaSet: ReplicaSet): number {
    return Math.min(sizeOf(replicaSet), this.#most.get(imageOf(replicaSet)) ?? Number.POSITIVE_INFINITY);
  }

  #runPods(): void {
    if (this.#isStatusLate) return;
    this.replicaSets = this.replicaSets.map((replicaSet) => {
      const up = this.#up(replicaSet);
      const counts = { replicas: sizeOf(replicaSet), readyReplicas: up, availableReplicas: up };
      const { generation } = replicaSet.metadata;
      const observed = generation === undefined ? {} : { observedGeneration: generation };
      return { ...replicaSet, status: { ...replicaSet.status, ...counts, ...observed } };
    });
  }

  /** A version that users reach gets no fewer pods than it has, unless somebody wants the Rollout smaller. */
  #judge(action: Action): void {
    const { effect } = action;
    if (effect?.on !== "pods") return;
    const replicaSet = this.replicaSets.find(({ metadata }) => metadata.name === effect.replicaSet);
    if (replicaSet === undefined || !this.isReached(replicaSet)) return;
    const { to } = effect;
    const floor = Math.min(sizeOf(replicaSet), this.rollout.spec.replicas ?? 1);
    assert(to >= floor, `${imageOf(replicaSet)}, which users reach, is shrunk to ${to}: ${action.because}`);
  }

  /** Whether the Service's requests go to this version, or are to go there. */
  isReached(replicaSet: ReplicaSet, service = "web"): boolean {
    if (this.services.get(service)?.spec.selector?.[podTemplateHashLabel] === hashOf(replicaSet)) return true;
    const pods = new Set(this.#pods().map(({ metadata }) => metadata.name));
    return (this.lagging.get(service) ?? this.slices(service))
      .flatMap(({ endpoints }) => endpoints ?? [])
      .some(
        ({ targetRef }) =>
          targetRef?.name?.startsWith(`${replicaSet.metadata.name}-`) === true && pods.has(targetRef.name),
      );
  }

  #act(action: Action): void {
    if (action.do === "create") {
      const { metadata } = action.object;
      const uid = `${metadata.name}-uid`;
      const made = { ...action.object, metadata: { ...metadata, uid, resourceVersion: "1", generation: 1 } };
      this.replicaSets.push(made as ReplicaSet);
      return;
    }
    const { name } = action.seen;
    if (action.do === "delete") {
      this.replicaSets = this.replicaSets.filter(({ metadata }) => metadata.name !== name);
      return;
    }
    if (action.resource === resources.rollouts) this.rollout = this.#merged(this.rollout, action.patch);
    this.replicaSets = this.replicaSets.map((one) =>
      action.resource === resources.replicaSets && one.metadata.name === name
        ? this.#merged(one, action.patch)
        : one,
    );
    if (action.resource !== resources.services) return;
    const service = this.services.get(name);
    assert(service !== undefined);
    this.services.set(name, this.#merged(service, action.patch));
  }

  #merged<T extends KubernetesObject>(object: T, patch: object): T {
    this.#version += 1;
    const { generation } = object.metadata;
    const isCounted = generation !== undefined && "spec" in patch;
    const metadata = {
      resourceVersion: String(this.#version),
      ...(isCounted ? { generation: generation + 1 } : {}),
    };
    return merge(merge(object as unknown as Mutable, patch as Mutable), { metadata }) as unknown as T;
  }
}

/** The one AnalysisTemplate of the namespace. */
const smokeTest = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "AnalysisTemplate",
  metadata: { name: "smoke", namespace: "shop" },
};

/** `create ReplicaSet`, `patch Service`; one that changes a size is `scale ReplicaSet`. */
export function callOf({ do: call, effect, resource }: Action): string {
  const isScale = call === "patch" && effect?.on === "pods";
  return `${isScale ? "scale" : call} ${resource.kind}`;
}

export function template(image: string, more: object = {}): NonNullable<RolloutSpec["template"]> {
  return { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image, ...more }] } };
}

/** The words for a wait stay the same while it goes on: no counts, and no names of pods or hashes. */
function assertSteadyWait({ conditions }: RolloutStatus): void {
  const { message = "" } = conditions?.find(({ type }) => type === "Waiting") ?? {};
  assert.doesNotMatch(message.replace(/, until .*/, ""), /\d/);
}

function imageOf(replicaSet: ReplicaSet): string {
  return replicaSet.spec.template.spec.containers[0]?.image ?? "";
}

function same(a: unknown, b: unknown): boolean {
  try {
    assert.deepStrictEqual(JSON.parse(JSON.stringify(a ?? {})), JSON.parse(JSON.stringify(b ?? {})));
    return true;
  } catch {
    return false;
  }
}

function merge(target: Mutable, patch: Mutable): Mutable {
  const result: Mutable = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else if (typeof value === "object" && !Array.isArray(value)) {
      result[key] = merge((result[key] ?? {}) as Mutable, value as Mutable);
    } else result[key] = value;
  }
  return result;
}
