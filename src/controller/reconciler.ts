import type { ReplicaSet } from "../api/core.ts";
import { keyOf, namespaceAndName } from "../api/metadata.ts";
import { podTemplateHashLabel } from "../api/names.ts";
import { resources } from "../api/resources.ts";
import type { Rollout } from "../api/rollout.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { ApiError } from "../kubernetes/errors.ts";
import type { EventSink } from "../kubernetes/event-recorder.ts";
import { isSame } from "../kubernetes/merge-patch.ts";
import type { PassResult } from "../kubernetes/queue.ts";
import { isLater } from "../kubernetes/resource-version.ts";
import type { Action, PlannedEvent } from "../rollout/action.ts";
import type { Plan } from "../rollout/pass.ts";
import { hashOf } from "../rollout/replica-set.ts";
import type { Snapshot } from "../rollout/snapshot.ts";
import { findCondition } from "../rollout/status/conditions.ts";
import { present } from "../rollout/status/fields.ts";
import { refusedStatus } from "../rollout/status/refused.ts";
import { type Clock, earliest, type Instant } from "../time/clock.ts";
import { type Caches, controllersOf, needed } from "./caches.ts";
import { execute } from "./execute.ts";
import { gather } from "./gather.ts";
import type { OwnWrites } from "./own-writes.ts";
import { StatusWriter } from "./status-writer.ts";
import type { Writer } from "./writer.ts";

export type Planner = (snapshot: Snapshot, now: Instant) => Plan;

export interface ReconcilerOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly caches: Caches;
  readonly ownWrites: OwnWrites;
  readonly writer: Writer;
  readonly events: EventSink;
  readonly plan: Planner;
  readonly log: (text: string) => void;
}

type Failed = Extract<PassResult, { is: "failed" }>;
type Creation = Extract<Action, { do: "create" }>;

/** A call that was refused, with what it was about. */
class CallFailed extends Error {
  override readonly cause: ApiError;
  readonly action: Action | undefined;

  constructor(what: string, cause: ApiError, action?: Action) {
    super(`cannot ${what}: ${cause.message}`);
    this.cause = cause;
    this.action = action;
  }
}

/** One pass over one Rollout: gather, plan, execute, status, events. */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  /** What people were told last about a Rollout that fails, so that they are told once. */
  readonly #problems = new Map<string, string>();
  /** What they were told last of kinds that are not known. */
  readonly #unknown = new Map<string, string>();

  readonly #status: StatusWriter;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#status = new StatusWriter(options.writer, (rollout, event) => {
      options.log(`${keyOf(rollout)}: ${event.message}`);
      this.#record(rollout, event);
    });
  }

  async pass(key: string): Promise<PassResult> {
    const { caches, ownWrites } = this.#options;
    const [namespace, name] = namespaceAndName(key);
    const rollout = caches.rollouts.get(namespace, name);
    if (rollout === undefined) {
      this.#problems.delete(key);
      this.#unknown.delete(key);
      this.#status.forget(key);
      ownWrites.forget(key);
      return { is: "done" };
    }
    const until = ownWrites.waitUntil(key);
    if (until !== undefined) return { is: "postponed", recheckAt: until };
    // Every kind that has been read, or refused, makes another pass.
    if (!caches.isReadFor(rollout)) return { is: "done" };
    let hasActed = false;
    try {
      const snapshot = gather(rollout, caches);
      this.#tellUnknown(key, snapshot);
      if (needed.some(({ plural }) => snapshot.unknown.some((kind) => kind.plural === plural)))
        return { is: "failed", slowly: true };
      const plan = this.#options.plan(snapshot, this.#options.clock.now());
      for (const why of plan.refused)
        this.#tellOnce(key, `refused an act that would break an invariant: ${why}`);
      const written = await this.#carryOut(plan, rollout, () => {
        hasActed = true;
      });
      await this.#attempt("write the status", () => this.#status.write(written, plan.status));
      for (const event of plan.events) this.#record(rollout, event);
      this.#logWait(key, rollout, plan);
      if (plan.refused.length === 0) this.#problems.delete(key);
      return { is: "done", recheckAt: earliest(plan.recheckAt, ownWrites.waitUntil(key)) };
    } catch (error) {
      return { ...this.#failed(key, rollout, error), hasActed };
    }
  }

  /** Once for each wait, when it begins. */
  #logWait(key: string, { status }: Rollout, { standing, status: planned }: Plan): void {
    const [before, now] = [status, planned].map((it) => findCondition(it?.conditions ?? [], "Waiting"));
    if (standing === undefined || now === undefined || isSame(now, before)) return;
    if (now.lastTransitionTime !== now.lastUpdateTime) return;
    const { on, detail } = standing;
    this.#options.log(`${key}: waiting for ${on}${detail === undefined ? "" : ` (${detail})`}`);
  }

  /** Says, once, what this Rollout cannot do now because of kinds that are not known. */
  #tellUnknown(key: string, { rollout, unknown }: Snapshot): void {
    const text = unknown.map(({ because }) => because).join("; ");
    if (text === (this.#unknown.get(key) ?? "")) return;
    this.#unknown.set(key, text);
    if (text === "") return;
    this.#options.log(`${key}: ${text}`);
    this.#record(rollout, { type: "Warning", reason: "UnknownKind", message: text });
  }

  /** Answers the Rollout as the actions have left it. */
  async #carryOut(plan: Plan, rollout: Rollout, onAct: () => void): Promise<Rollout> {
    const { client, writer, log } = this.#options;
    let current = rollout;
    for (const action of plan.actions) {
      const written = await execute(action, rollout, writer, client).catch((error: unknown) =>
        this.#actionFailed(action, plan, current, error),
      );
      onAct();
      log(`${keyOf(rollout)}: ${action.what}: ${action.because}`);
      if (written?.kind === resources.rollouts.kind) {
        // Nobody else has written in between, so what was decided still holds for the new version.
        current = { ...rollout, metadata: { ...rollout.metadata, ...versionOf(written.metadata) } };
      }
      if (action.event !== undefined) this.#record(rollout, action.event);
    }
    return current;
  }

  async #actionFailed(action: Action, plan: Plan, rollout: Rollout, error: unknown): Promise<never> {
    if (!(error instanceof ApiError)) throw error;
    if (action.do === "create") {
      if (error.kind === "alreadyExists")
        await this.#attempt("step around a taken name", () => this.#resolveTakenName(action, rollout));
      if (isRefusal(error)) await this.#showRefusal(action, plan, rollout, error);
    }
    throw new CallFailed(action.what, error, action);
  }

  /** A new version that the API server does not take shows in the status, not only in an event. */
  async #showRefusal(action: Creation, plan: Plan, rollout: Rollout, refusal: ApiError): Promise<void> {
    const { clock } = this.#options;
    const { name } = action.object.metadata;
    const { status, event } = refusedStatus(rollout, plan.status, name, refusal.message, clock.now());
    if (status.message === rollout.status?.message) return;
    await this.#attempt("write the status", () => this.#status.write(rollout, status));
    this.#record(rollout, event);
  }

  /**
   * A ReplicaSet of the wanted name exists. If it is this Rollout's and just not in the cache yet, the next pass finds it;
   * if it is this Rollout's and on its way out, the name will be free, and its end wakes the Rollout up. Otherwise two templates have got the same hash: the collision count makes the next one different, and the status must not ask for
   * this one again.
   */
  async #resolveTakenName(action: Creation, rollout: Rollout): Promise<void> {
    const { client, caches, ownWrites } = this.#options;
    const { namespace = "", uid = "" } = rollout.metadata;
    const { name } = action.object.metadata;
    const found = await this.#attempt(`read ReplicaSet ${name}`, () =>
      client.get(resources.replicaSets, namespace, name),
    );
    const existing = { ...found, kind: resources.replicaSets.kind };
    const held = caches.replicaSets.get(namespace, name);
    const owners = controllersOf(existing);
    const isOurs = owners.includes(uid);
    if (isOurs && existing.metadata.deletionTimestamp !== undefined) {
      this.#tellOnce(keyOf(rollout), `waiting for the end of ReplicaSet ${name}, which is being deleted`);
      return;
    }
    const isKnown =
      held !== undefined && !isLater(existing.metadata.resourceVersion, held.metadata.resourceVersion);
    // The cache has only those with a hash. One without an owner may be one to adopt.
    const isComing = existing.metadata.labels?.[podTemplateHashLabel] !== undefined && !isKnown;
    if (isComing && (isOurs || owners.length === 0)) {
      ownWrites.wrote(keyOf(rollout), existing, held);
      return;
    }
    const { currentPodHash, ...status } = rollout.status ?? {};
    const isTaken = currentPodHash === hashOf(action.object as ReplicaSet);
    const collisionCount = (status.collisionCount ?? 0) + 1;
    const known = isTaken ? {} : { currentPodHash };
    await this.#attempt("write the status", () =>
      this.#status.write(rollout, { ...status, ...present(known), collisionCount }),
    );
  }

  async #attempt<T>(what: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw error instanceof ApiError ? new CallFailed(what, error) : error;
    }
  }

  #failed(key: string, rollout: Rollout, error: unknown): Failed {
    if (!(error instanceof CallFailed)) {
      // A bug of ours, in the planner or here. It must be seen, and must not harm other Rollouts.
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#tellOnce(key, `internal error: ${text}`);
      return { is: "failed", slowly: true };
    }
    switch (error.cause.kind) {
      // Somebody else was faster, or the caches were behind: everyday life, the next pass decides anew.
      case "conflict":
      case "notFound":
      case "alreadyExists":
      case "expired":
        return { is: "failed", slowly: false };
      case "retryable":
      case "unreachable":
        this.#tellOnce(key, error.message);
        return { is: "failed", slowly: false, retryAfter: error.cause.retryAfterSeconds };
      case "invalid":
      case "forbidden":
        if (this.#tellOnce(key, error.message) && error.action?.do !== "create") {
          this.#record(rollout, { type: "Warning", reason: "ReconciliationError", message: error.message });
        }
        return { is: "failed", slowly: true };
    }
  }

  #tellOnce(key: string, text: string): boolean {
    if (this.#problems.get(key) === text) return false;
    this.#problems.set(key, text);
    this.#options.log(`${key}: ${text}`);
    return true;
  }

  #record(rollout: Rollout, event: PlannedEvent): void {
    this.#options.events.record(rollout, event);
  }
}

function isRefusal({ kind }: ApiError): boolean {
  return kind === "invalid" || kind === "forbidden";
}

function versionOf({ resourceVersion }: { readonly resourceVersion?: string }): { resourceVersion?: string } {
  return resourceVersion === undefined ? {} : { resourceVersion };
}
