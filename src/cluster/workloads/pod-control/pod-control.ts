import type { KubernetesObject, LabelSelector, Pod } from "../../../api/core.ts";
import { selects } from "../../../api/label-selector.ts";
import { controllerOf, keyOf } from "../../../api/metadata.ts";
import { resources } from "../../../api/resources.ts";
import { ApiError } from "../../../kubernetes/errors.ts";
import type { Change } from "../../../kubernetes/watch-cache.ts";
import { type Cancel, earliest, type Instant } from "../../../time/clock.ts";
import { byController, withoutController } from "../caches.ts";
import type { ControlLoop } from "../control-loop.ts";
import { Expectations } from "../expectations.ts";
import { claim } from "../ownership.ts";
import type { WorkloadOptions } from "../workload-controller.ts";
import { type PodFailure, Refusals, withoutMadeUpName } from "./refusals.ts";

export interface PodOwner extends KubernetesObject {
  readonly spec: { readonly selector?: LabelSelector };
  readonly status?: object;
}

/** How an attempt to change the number of pods went; with neither, it went well. */
export interface Attempt {
  /** What was refused, now or lately. */
  readonly failure?: PodFailure | undefined;
  /** When to try again: after a refusal, or because the cache is behind. */
  readonly retryAt?: Instant | undefined;
}

interface PodTexts<T extends PodOwner> {
  readonly created: (owner: T, pod: string) => string;
  readonly deleted: (owner: T, pod: string) => string;
  readonly notCreated: (owner: T, pod: string, why: string) => string;
  readonly notDeleted: (owner: T, pod: string, why: string) => string;
}

const usualTexts: PodTexts<PodOwner> = {
  created: (_owner, pod) => `Created pod: ${pod}`,
  deleted: (_owner, pod) => `Deleted pod: ${pod}`,
  notCreated: (_owner, _pod, why) => `Error creating: ${why}`,
  notDeleted: (_owner, _pod, why) => `Error deleting: ${why}`,
};

export interface PodControlOptions<T extends PodOwner> {
  readonly workloads: WorkloadOptions;
  /** Whose objects own the pods. */
  readonly loop: ControlLoop<T>;
  /** The pods that may be adopted, or are given up, when the selector says so. All, when absent. */
  readonly claims?: (pod: Pod, owner: T) => boolean;
  /** What is told of each pod; in the words of most controllers, when absent. */
  readonly texts?: PodTexts<T>;
  /** Put on each pod that is adopted, and taken off what is released. */
  readonly finalizer?: string;
}

/**
 * The pods of the objects of one kind: which are theirs, and how they come and go. Remembers what it has asked for until the
 * cache shows it, waits after refusals, tells of everything in events, and wakes the owner of each pod that changes.
 */
export class PodControl<T extends PodOwner> {
  readonly #options: PodControlOptions<T>;
  readonly #workloads: WorkloadOptions;
  readonly #loop: ControlLoop<T>;
  readonly #texts: PodTexts<T>;
  readonly #expectations: Expectations;
  readonly #refusals: Refusals;
  #unsubscribe: Cancel = () => {};

  constructor(options: PodControlOptions<T>) {
    this.#options = options;
    this.#workloads = options.workloads;
    this.#loop = options.loop;
    this.#texts = options.texts ?? usualTexts;
    this.#expectations = new Expectations(options.workloads.clock);
    this.#refusals = new Refusals(options.workloads.clock);
    options.loop.onGone(({ metadata: { uid = "" } }) => {
      this.#expectations.forget(uid);
      this.#refusals.forget(uid);
    });
  }

  start(): void {
    this.#unsubscribe = this.#workloads.caches.pods.subscribe((change) => this.#podChanged(change));
  }

  stop(): void {
    this.#unsubscribe();
  }

  /** The pods that name this object as their controller, as the cache shows them. */
  of({ metadata }: T): readonly Pod[] {
    return this.#workloads.caches.pods.by(byController, metadata.uid ?? "");
  }

  /** Gives up pods that the selector no longer takes, and takes those that it does and that nobody has. */
  async claim(owner: T): Promise<void> {
    const { claims = () => true, finalizer } = this.#options;
    const { pods } = this.#workloads.caches;
    const { selector } = owner.spec;
    const concerned = (found: readonly Pod[]) => found.filter((pod) => claims(pod, owner));
    await claim<Pod>({
      client: this.#workloads.client,
      owner,
      ownerResource: this.#loop.resource,
      resource: resources.pods,
      owned: concerned(this.of(owner)),
      orphans: concerned(pods.by(withoutController, owner.metadata.namespace ?? "")).filter(
        ({ metadata }) => metadata.deletionTimestamp === undefined,
      ),
      takes: ({ metadata }) => selector !== undefined && selects(selector, metadata.labels),
      ...(finalizer === undefined ? {} : { finalizer }),
    });
  }

  /** Until when the cache is not to be relied on, because it has not shown all that was asked for. */
  behindUntil({ metadata }: T): Instant | undefined {
    return this.#expectations.waitUntil(metadata.uid ?? "");
  }

  /** Runs `change` unless the cache is behind or a refusal is waited out. It stops at what is refused, and answers it. */
  async attempt(owner: T, change: () => Promise<PodFailure | undefined>): Promise<Attempt> {
    const behindUntil = this.behindUntil(owner);
    const refused = this.#refusals.of(owner);
    if (behindUntil !== undefined || refused !== undefined)
      return { failure: refused?.failure, retryAt: earliest(behindUntil, refused?.until) };
    const failure = await change();
    if (failure === undefined) {
      this.#refusals.forget(owner.metadata.uid ?? "");
      return {};
    }
    const { until, isNew } = this.#refusals.add(owner, failure);
    const { kind } = this.#loop.resource;
    if (isNew) this.#workloads.onProblem(`${kind} ${keyOf(owner)}: ${failure.message}`);
    return { failure, retryAt: until };
  }

  async create(
    owner: T,
    wanted: { readonly metadata?: { readonly name?: string } },
  ): Promise<PodFailure | undefined> {
    const { uid = "", namespace } = owner.metadata;
    this.#expectations.expectCreation(uid);
    let pod: Pod;
    try {
      pod = await this.#workloads.client.create<Pod>(resources.pods, namespace, wanted);
    } catch (error) {
      this.#expectations.creationEnded(uid);
      if (!(error instanceof ApiError)) throw error;
      const message = withoutMadeUpName(error.message, owner);
      this.#loop.tell(
        owner,
        "Warning",
        "FailedCreate",
        this.#texts.notCreated(owner, wanted.metadata?.name ?? "", message),
      );
      return { reason: "FailedCreate", message };
    }
    this.#loop.tell(owner, "Normal", "SuccessfulCreate", this.#texts.created(owner, pod.metadata.name));
    return undefined;
  }

  async delete(owner: T, pod: Pod): Promise<PodFailure | undefined> {
    const { uid = "", namespace } = owner.metadata;
    const { name, uid: podUid = "" } = pod.metadata;
    this.#expectations.expectDeletion(uid, podUid);
    try {
      await this.#workloads.client.delete(resources.pods, namespace, name, { uid: podUid });
    } catch (error) {
      this.#expectations.deletionEnded(uid, podUid);
      if (!(error instanceof ApiError)) throw error;
      if (error.kind === "notFound" || error.kind === "conflict") return undefined;
      this.#loop.tell(owner, "Warning", "FailedDelete", this.#texts.notDeleted(owner, name, error.message));
      return { reason: "FailedDelete", message: error.message };
    }
    this.#loop.tell(owner, "Normal", "SuccessfulDelete", this.#texts.deleted(owner, name));
    return undefined;
  }

  #podChanged({ type, object: pod, previous }: Change<Pod>): void {
    const { kind } = this.#loop.resource;
    for (const version of previous === undefined ? [pod] : [previous, pod]) {
      const owner = controllerOf(version);
      if (owner?.kind === kind) this.#loop.wake(keyOf(version, owner.name));
    }
    const owner = controllerOf(pod);
    if (owner !== undefined) {
      if (type === "added") this.#expectations.creationEnded(owner.uid);
      if (type === "deleted" || pod.metadata.deletionTimestamp !== undefined)
        this.#expectations.deletionEnded(owner.uid, pod.metadata.uid ?? "");
    } else if (type !== "deleted") {
      for (const candidate of this.#loop.cache.list(pod.metadata.namespace)) {
        const { selector } = candidate.spec;
        if (selector !== undefined && selects(selector, pod.metadata.labels))
          this.#loop.wake(keyOf(candidate));
      }
    }
  }
}
