import type { Condition, ReplicaSet } from "../../../api/core.ts";
import { formatTime, type Instant, later, parseTime } from "../../../time/clock.ts";
import { counted } from "../status-writer.ts";
import {
  availableOf,
  boundsOf,
  type Deployment,
  type DeploymentStatus,
  type Revisions,
  replicasOf,
  totalOf,
} from "./deployment.ts";

/** What has happened in this pass that the Progressing condition tells. Names, reasons and texts are Kubernetes' own. */
export type ProgressNews =
  | { readonly is: "created" | "found"; readonly replicaSet: ReplicaSet }
  | { readonly is: "creationFailed"; readonly name: string; readonly message: string }
  | { readonly is: "paused" | "resumed" };

export interface StatusInput {
  readonly deployment: Deployment;
  readonly revisions: Revisions;
  readonly news: ProgressNews | undefined;
  /** False while it is paused or being resized: then nothing is said of progress. */
  readonly isRollingOut: boolean;
  readonly collisionCount: number | undefined;
  readonly now: Instant;
}

type Told = Pick<Condition, "type" | "status"> & { readonly reason: string; readonly message: string };

// Conditions have whole seconds: a deadline is over when the second after it has begun.
const roundingSeconds = 1;

export function deploymentStatus(input: StatusInput): {
  readonly status: DeploymentStatus;
  readonly changesAt: Instant | undefined;
} {
  const { deployment, revisions, collisionCount, now } = input;
  const { current, old } = revisions;
  const all = current === undefined ? old : [...old, current];
  const sum = (count: "replicas" | "readyReplicas") =>
    all.reduce((total, { status }) => total + (status?.[count] ?? 0), 0);
  const available = availableOf(all);
  const counts = {
    replicas: sum("replicas"),
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: sum("readyReplicas"),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, totalOf(all) - available),
  };
  const { generation } = deployment.metadata;
  const conditions = conditionsOf(input, counts);
  const status: DeploymentStatus = {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...counted(counts),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
  return { status, changesAt: input.isRollingOut ? deadlineOf(deployment, conditions, now) : undefined };
}

interface Counts {
  readonly replicas: number;
  readonly updatedReplicas: number;
  readonly readyReplicas: number;
  readonly availableReplicas: number;
}

export function isComplete(deployment: Deployment, counts: DeploymentStatus): boolean {
  const replicas = replicasOf(deployment);
  return (
    (counts.updatedReplicas ?? 0) === replicas &&
    (counts.replicas ?? 0) === replicas &&
    (counts.availableReplicas ?? 0) === replicas
  );
}

function conditionsOf(input: StatusInput, counts: Counts): readonly Condition[] {
  const { deployment, revisions, now } = input;
  let conditions = deployment.status?.conditions ?? [];
  const set = (told: Told, isRenewed = false): void => {
    conditions = withCondition(conditions, told, now, isRenewed);
  };
  const isAvailable = counts.availableReplicas >= boundsOf(deployment).least;
  set({
    type: "Available",
    status: isAvailable ? "True" : "False",
    reason: isAvailable ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
    message: `Deployment ${isAvailable ? "has" : "does not have"} minimum availability.`,
  });
  if (!hasDeadline(deployment)) conditions = conditions.filter(({ type }) => type !== "Progressing");
  else {
    if (input.news !== undefined) set(newsTold(input.news));
    if (input.isRollingOut) {
      const progress = progressTold(input, counts, conditions);
      if (progress !== undefined) set(progress, progress.reason === "ReplicaSetUpdated");
    }
  }
  if (!input.isRollingOut) return conditions;
  const failure = failureOf(revisions);
  if (failure === undefined) return conditions.filter(({ type }) => type !== "ReplicaFailure");
  set({ type: "ReplicaFailure", status: "True", ...failure });
  return conditions;
}

function newsTold(news: ProgressNews): Told {
  const progressing = (status: string, reason: string, message: string): Told => ({
    type: "Progressing",
    status,
    reason,
    message,
  });
  switch (news.is) {
    case "created":
      return progressing(
        "True",
        "NewReplicaSetCreated",
        `Created new replica set "${news.replicaSet.metadata.name}"`,
      );
    case "found":
      return progressing(
        "True",
        "FoundNewReplicaSet",
        `Found new replica set "${news.replicaSet.metadata.name}"`,
      );
    case "creationFailed":
      return progressing(
        "False",
        "ReplicaSetCreateError",
        `Failed to create new replica set "${news.name}": ${news.message}`,
      );
    case "paused":
      return progressing("Unknown", "DeploymentPaused", "Deployment is paused");
    case "resumed":
      return progressing("Unknown", "DeploymentResumed", "Deployment is resumed");
  }
}

function progressTold(
  { deployment, revisions, now }: StatusInput,
  counts: Counts,
  conditions: readonly Condition[],
): Told | undefined {
  const known = progressingOf(conditions);
  const isSettled = counts.replicas === counts.updatedReplicas && known?.reason === "NewReplicaSetAvailable";
  if (isSettled) return undefined;
  const name = revisions.current?.metadata.name;
  const subject = name === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${name}"`;
  const progressing = (status: string, reason: string, words: string): Told => ({
    type: "Progressing",
    status,
    reason,
    message: `${subject} ${words}.`,
  });
  if (isComplete(deployment, counts))
    return progressing("True", "NewReplicaSetAvailable", "has successfully progressed");
  if (hasProgressed(deployment, counts)) return progressing("True", "ReplicaSetUpdated", "is progressing");
  const deadline = deadlineOf(deployment, conditions, now);
  return deadline !== undefined && deadline <= now
    ? progressing("False", "ProgressDeadlineExceeded", "has timed out progressing")
    : undefined;
}

function hasProgressed({ status = {} }: Deployment, counts: Counts): boolean {
  const before = (count: keyof Counts) => status[count] ?? 0;
  return (
    counts.updatedReplicas > before("updatedReplicas") ||
    counts.replicas - counts.updatedReplicas < before("replicas") - before("updatedReplicas") ||
    counts.readyReplicas > before("readyReplicas") ||
    counts.availableReplicas > before("availableReplicas")
  );
}

/** When progress has failed to come for too long; undefined where none is waited for. */
function deadlineOf(
  deployment: Deployment,
  conditions: readonly Condition[],
  now: Instant,
): Instant | undefined {
  const known = progressingOf(conditions);
  if (!hasDeadline(deployment) || known === undefined) return undefined;
  if (known.reason === "NewReplicaSetAvailable" || known.reason === "ProgressDeadlineExceeded")
    return undefined;
  const since = parseTime(known.lastUpdateTime ?? "") ?? now;
  return later(since, (deployment.spec.progressDeadlineSeconds ?? 0) + roundingSeconds);
}

export function progressingOf(conditions: readonly Condition[] | undefined): Condition | undefined {
  return conditions?.find(({ type }) => type === "Progressing");
}

/** The greatest number there is stands for none. */
export function hasDeadline({ spec }: Deployment): boolean {
  const { progressDeadlineSeconds } = spec;
  return progressDeadlineSeconds !== undefined && progressDeadlineSeconds !== 2 ** 31 - 1;
}

function failureOf({ current, old }: Revisions): { reason: string; message: string } | undefined {
  for (const replicaSet of [...(current === undefined ? [] : [current]), ...old]) {
    const condition = replicaSet.status?.conditions?.find(({ type }) => type === "ReplicaFailure");
    if (condition !== undefined) return { reason: condition.reason ?? "", message: condition.message ?? "" };
  }
  return undefined;
}

/** A condition with the same status and reason stays as it is, text included, unless it `isRenewed`. */
function withCondition(
  conditions: readonly Condition[],
  told: Told,
  now: Instant,
  isRenewed: boolean,
): readonly Condition[] {
  const known = conditions.find(({ type }) => type === told.type);
  const isKnown = known?.status === told.status && known.reason === told.reason;
  if (isKnown && !isRenewed) return conditions;
  const at = formatTime(now);
  const condition: Condition = {
    ...told,
    lastUpdateTime: at,
    lastTransitionTime: known?.status === told.status ? (known.lastTransitionTime ?? at) : at,
  };
  return [...conditions.filter(({ type }) => type !== told.type), condition];
}
