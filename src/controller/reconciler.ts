import { equalJson } from "../api/equal-json.ts";
import { keyOf, namespaceAndName } from "../api/metadata.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { ApiError } from "../kubernetes/errors.ts";
import type { EventSink } from "../kubernetes/event-recorder.ts";
import type { PassResult } from "../kubernetes/queue.ts";
import type { Action, PlannedEvent } from "../rollout/action.ts";
import type { Plan } from "../rollout/pass.ts";
import type { UnknownKind } from "../rollout/snapshot.ts";
import { findCondition } from "../rollout/status/conditions.ts";
import { type Clock, earliest } from "../time/clock.ts";
import { execute } from "./execute.ts";
import type { Hands, PlannedStatus, Reconciled, ReconciledKind } from "./kind.ts";
import type { OwnWrites } from "./own-writes.ts";
import { StatusWriter } from "./status-writer.ts";
import type { Writer } from "./writer.ts";

export interface ReconcilerOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly ownWrites: OwnWrites;
  readonly writer: Writer;
  readonly events: EventSink;
  readonly log: (text: string) => void;
}

type Failed = Extract<PassResult, { is: "failed" }>;

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

/** One pass over one object: gather, plan, execute, status, events. */
export class Reconciler<T extends Reconciled<Status>, Snapshot, Status extends PlannedStatus> {
  readonly #kind: ReconciledKind<T, Snapshot, Status>;
  readonly #options: ReconcilerOptions;
  /** What people were told last about an object that fails, so that they are told once. */
  readonly #problems = new Map<string, string>();
  /** What they were told last of kinds that are not known. */
  readonly #unknown = new Map<string, string>();
  readonly #status: StatusWriter;

  constructor(kind: ReconciledKind<T, Snapshot, Status>, options: ReconcilerOptions) {
    this.#kind = kind;
    this.#options = options;
    this.#status = new StatusWriter(kind.resource, options.writer, (object, event) => {
      options.log(`${keyOf(object)}: ${event.message}`);
      options.events.record(object, event);
    });
  }

  async pass(key: string): Promise<PassResult> {
    const { ownWrites, clock } = this.#options;
    const kind = this.#kind;
    const object = kind.find(...namespaceAndName(key));
    if (object === undefined) {
      this.#problems.delete(key);
      this.#unknown.delete(key);
      this.#status.forget(key);
      ownWrites.forget(key);
      return { is: "done" };
    }
    const until = ownWrites.waitUntil(key);
    if (until !== undefined) return { is: "postponed", recheckAt: until };
    if (!kind.isReadFor(object)) return { is: "done" };
    let hasActed = false;
    try {
      const snapshot = kind.gather(object);
      this.#tellUnknown(key, object, snapshot.unknown);
      if (kind.neededFor(object).some(({ plural }) => snapshot.unknown.some((one) => one.plural === plural)))
        return { is: "failed", slowly: true };
      const plan = kind.plan(snapshot, clock.now());
      for (const why of plan.refused)
        this.#tellOnce(key, `refused an act that would break an invariant: ${why}`);
      const written = await this.#carryOut(plan, object, () => {
        hasActed = true;
      });
      // What is recorded is so by the status that is written with it.
      const isUrgent = plan.events.length > 0 || kind.isNews(object.status ?? ({} as Status), plan.status);
      const statusAt = isUrgent ? undefined : this.#status.mayWait(written, plan.status, clock.now());
      if (statusAt === undefined)
        await this.#attempt("write the status", () => this.#status.write(written, plan.status));
      for (const event of plan.events) this.#record(object, event);
      this.#logWait(key, object, plan);
      if (plan.refused.length === 0) this.#problems.delete(key);
      return { is: "done", recheckAt: earliest(plan.recheckAt, ownWrites.waitUntil(key), statusAt) };
    } catch (error) {
      return { ...this.#failed(key, object, error), hasActed };
    }
  }

  /** Once for each wait, when it begins. */
  #logWait(key: string, { status }: T, { standing, status: planned }: Plan<Status>): void {
    const [before, now] = [status, planned].map((it) => findCondition(it?.conditions ?? [], "Waiting"));
    if (standing === undefined || now === undefined || equalJson(now, before)) return;
    if (now.lastTransitionTime !== now.lastUpdateTime) return;
    const { on, detail } = standing;
    this.#options.log(`${key}: waiting for ${on}${detail === undefined ? "" : ` (${detail})`}`);
  }

  /** Says, once, what cannot be done for this object now because of kinds that are not known. */
  #tellUnknown(key: string, object: T, unknown: readonly UnknownKind[]): void {
    const text = unknown.map(({ because }) => because).join("; ");
    if (text === (this.#unknown.get(key) ?? "")) return;
    this.#unknown.set(key, text);
    if (text === "") return;
    this.#options.log(`${key}: ${text}`);
    this.#record(object, { type: "Warning", reason: "UnknownKind", message: text });
  }

  /** Answers the object as the actions have left it. */
  async #carryOut(plan: Plan<Status>, object: T, onAct: () => void): Promise<T> {
    const { client, writer, log } = this.#options;
    let current = object;
    for (const action of plan.actions) {
      const written = await execute(action, object, writer, client).catch((error: unknown) =>
        this.#actionFailed(action, plan, current, error),
      );
      onAct();
      log(`${keyOf(object)}: ${action.what}: ${action.because}`);
      if (written?.kind === this.#kind.resource.kind && written.metadata.name === object.metadata.name) {
        // Nobody else has written in between, so what was decided still holds for the new version.
        current = { ...object, metadata: { ...object.metadata, ...versionOf(written.metadata) } };
      }
      if (action.event !== undefined) this.#record(object, action.event);
    }
    return current;
  }

  async #actionFailed(action: Action, plan: Plan<Status>, object: T, error: unknown): Promise<never> {
    if (!(error instanceof ApiError)) throw error;
    const key = keyOf(object);
    if (action.do === "create") {
      const hands: Hands<Status> = {
        attempt: (what, run) => this.#attempt(what, run),
        writeStatus: (status) => this.#attempt("write the status", () => this.#status.write(object, status)),
        record: (event) => this.#record(object, event),
        tell: (text) => this.#tellOnce(key, text),
      };
      await this.#kind.notCreated(action, object, plan.status, error, hands);
    }
    throw new CallFailed(action.what, error, action);
  }

  async #attempt<Result>(what: string, run: () => Promise<Result>): Promise<Result> {
    try {
      return await run();
    } catch (error) {
      throw error instanceof ApiError ? new CallFailed(what, error) : error;
    }
  }

  #failed(key: string, object: T, error: unknown): Failed {
    if (!(error instanceof CallFailed)) {
      // A bug of ours, in the planner or here. It must be seen, and must not harm others.
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
          this.#record(object, { type: "Warning", reason: "ReconciliationError", message: error.message });
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

  #record(object: T, event: PlannedEvent): void {
    this.#options.events.record(object, event);
  }
}

function versionOf({ resourceVersion }: { readonly resourceVersion?: string }): { resourceVersion?: string } {
  return resourceVersion === undefined ? {} : { resourceVersion };
}
