import type { Condition, KubernetesObject } from "../api/core.ts";
import type { Resource } from "../api/resources.ts";
import type { ApiError } from "../kubernetes/errors.ts";
import type { Action, PlannedEvent } from "../rollout/action.ts";
import type { Plan } from "../rollout/pass.ts";
import type { UnknownKind } from "../rollout/snapshot.ts";
import type { Instant } from "../time/clock.ts";

/** What the status of every kind that plans are made for has. */
export interface PlannedStatus {
  readonly observedGeneration?: string;
  readonly conditions?: readonly Condition[];
}

/** An object whose state is brought about by plans. */
export interface Reconciled<Status extends PlannedStatus> extends KubernetesObject {
  readonly status?: Status;
}

export type Creation = Extract<Action, { do: "create" }>;

/** What an answer to a refused creation may be made with. */
export interface Hands<Status> {
  /** A refusal is told as one to do `what`: `cannot read ReplicaSet web: …`. */
  attempt<Result>(what: string, run: () => Promise<Result>): Promise<Result>;
  writeStatus(status: Status): Promise<void>;
  record(event: PlannedEvent): void;
  /** One line, once. */
  tell(text: string): void;
}

/** One kind of such objects: how the snapshot of one is gathered, and what plans for it. */
export interface ReconciledKind<T extends Reconciled<Status>, Snapshot, Status extends PlannedStatus> {
  readonly resource: Resource;
  /** Without these nothing can be decided about this one. */
  neededFor(object: T): readonly Resource[];
  find(namespace: string, name: string): T | undefined;
  /** Whether everything that a decision depends on has been read as far as can be. When it has, another pass is asked for. */
  isReadFor(object: T): boolean;
  gather(object: T): Snapshot & { readonly unknown: readonly UnknownKind[] };
  plan(snapshot: Snapshot, now: Instant): Plan<Status>;
  /** Whether a status says something that cannot wait a moment; other changes are written together. */
  isNews(before: Status, planned: Status): boolean;
  /** Called when a creation was refused, or its name was taken, before the pass ends with that. */
  notCreated(
    creation: Creation,
    object: T,
    planned: Status,
    error: ApiError,
    hands: Hands<Status>,
  ): Promise<void>;
}
