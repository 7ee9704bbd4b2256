import type { Pod, ReplicaSet } from "../api/core.ts";
import { instanceIdLabel, podTemplateHashLabel, scaleDownDeadlineAnnotation } from "../api/names.ts";
import type { Rollout } from "../api/rollout.ts";
import { lateAt } from "../rollout/status/progress.ts";
import { formatTime, type Instant, parseTime } from "../time/clock.ts";
import { humanDuration } from "../time/human-duration.ts";
import { isObserved, phaseOf } from "./rollout-phase.ts";
import { revisionOf } from "./rollout-tree.ts";
import {
  conditionOf,
  isPromotedSince,
  isUpdate,
  type WaitingView,
  waitingByPhase,
  waitingOf,
} from "./waiting.ts";

interface Facts {
  readonly rollout: Rollout;
  /** The Rollout's own. */
  readonly replicaSets: readonly ReplicaSet[];
  readonly pods: readonly Pod[];
  readonly now: Instant;
}

/**
 * Why a Rollout stands where it stands, in one sentence: what it waits for, since when, until when, and what would end it;
 * or what is broken and what can be done; or that nothing is left to do.
 */
export function whyOf(facts: Facts): string {
  const clauses = reasons.map((reason) => reason(facts)).find((text) => text !== undefined) ?? [];
  return clauses.filter((clause) => clause !== "").join("; ");
}

type Clauses = readonly string[];

/** The first that applies counts. */
const reasons: readonly ((facts: Facts) => Clauses | undefined)[] = [
  beingDeleted,
  unseen,
  invalid,
  aborted,
  promoted,
  broken,
  waiting,
  paused,
  finished,
  otherwise,
];

const nameOf = ({ rollout }: Facts): string => rollout.metadata.name;
const titleOf = (facts: Facts): string => `rollout '${nameOf(facts)}'`;

function beingDeleted(facts: Facts): Clauses | undefined {
  const { deletionTimestamp } = facts.rollout.metadata;
  return deletionTimestamp === undefined ? undefined : [`${titleOf(facts)} is being deleted`];
}

function unseen(facts: Facts): Clauses | undefined {
  const { rollout } = facts;
  if (isObserved(rollout)) return undefined;
  const { generation = 0, labels } = rollout.metadata;
  const seen = rollout.status?.observedGeneration;
  const id = labels?.[instanceIdLabel];
  const flag = id === undefined ? "" : ` --instance-id ${id}`;
  return [
    `${titleOf(facts)} waits for a controller to look at its spec: generation ${generation} is there, ` +
      `${seen === undefined ? "none" : seen} has been looked at`,
    `if this stays so, no controller runs for it, and \`teal controller${flag}\` starts one`,
  ];
}

function invalid(facts: Facts): Clauses | undefined {
  const condition = conditionOf(facts.rollout, "InvalidSpec");
  if (condition?.status !== "True" || phaseOf(facts.rollout).phase !== "Degraded") return undefined;
  const { message = "", lastUpdateTime } = condition;
  const what = message.replace(`The Rollout "${nameOf(facts)}" is invalid: `, "");
  return [
    `${titleOf(facts)} is not carried out${since(lastUpdateTime, facts.now)}: ${what}`,
    "it goes on as soon as that is put right",
  ];
}

function aborted(facts: Facts): Clauses | undefined {
  const { rollout, now } = facts;
  const { status = {} } = rollout;
  if (status.abort !== true) return undefined;
  const message = conditionOf(rollout, "Progressing")?.message ?? "";
  const [, cause = ""] = /^Rollout aborted update to revision \d+(?:: (.*))?$/s.exec(message) ?? [];
  const at = parseTime(status.abortedAt ?? "");
  const isBack = status.blueGreen === undefined || status.blueGreen.activeSelector === status.stableRS;
  const wait = waitingOf(rollout, facts.replicaSets, facts.pods, now);
  const back =
    wait === undefined
      ? "users are not all back yet"
      : `users are not all back yet: waiting for ${withDetail(wait)}`;
  return [
    `the update of ${titleOf(facts)}${revisionText(facts, status.currentPodHash, " to")} was aborted${at === undefined ? "" : ` at ${ago(at, now)}`}${cause === "" ? "" : `: ${cause.replace(/\.$/, "")}`}`,
    outage(facts) || (isBack ? `users are on${versionText(facts, status.stableRS)}` : back),
    `\`teal retry rollout ${nameOf(facts)}\` starts it again`,
    retirement(facts, status.currentPodHash, "its pods go"),
  ];
}

function promoted(facts: Facts): Clauses | undefined {
  if (!isPromotedSince(facts.rollout)) return undefined;
  return [
    `${titleOf(facts)} has been promoted and waits for its controller to notice`,
    "if this stays so, no controller runs for it",
  ];
}

function broken(facts: Facts): Clauses | undefined {
  const { rollout, now } = facts;
  const { phase, message } = phaseOf(rollout);
  if (phase !== "Degraded") return undefined;
  const progressing = conditionOf(rollout, "Progressing");
  const wait = waitingOf(rollout, facts.replicaSets, facts.pods, now);
  const name = nameOf(facts);
  const wayOut = isUpdate(rollout)
    ? `mend the template, or give the update up with \`teal abort ${name}\``
    : "mend the template, or what its pods need";
  if (wait !== undefined)
    return [`${titleOf(facts)} is late: it has been waiting for ${lasting(wait)}`, wayOut];
  return [
    `${titleOf(facts)} is broken${since(progressing?.lastUpdateTime, now)}: ${message.replace(/\.$/, "")}`,
    wayOut,
  ];
}

function waiting(facts: Facts): Clauses | undefined {
  const { rollout, replicaSets, pods, now } = facts;
  const { phase } = phaseOf(rollout);
  if (phase === "Paused" && rollout.spec.paused === true && !isUpdate(rollout)) return undefined;
  const wait = waitingOf(rollout, replicaSets, pods, now) ?? waitingByPhase(rollout, replicaSets, pods, now);
  if (wait === undefined || phase === "Healthy") return undefined;
  const late =
    phase === "Progressing" && isUpdate(rollout)
      ? lateAt(rollout.spec, conditionOf(rollout, "Progressing"))
      : undefined;
  return [
    `${titleOf(facts)} is waiting for ${lasting(wait)}`,
    outage(facts),
    wait.end,
    late === undefined ? "" : `without progress it counts as late at ${time(late, now)}`,
  ];
}

/** What must be said before all else: the version that users are on has no pods. Empty when it has, or there is none yet. */
function outage(facts: Facts): string {
  const { spec, status = {} } = facts.rollout;
  const isKnown = spec.strategy?.blueGreen !== undefined && facts.replicaSets.length > 0;
  if (!isKnown || (status.stableRS ?? "") === "" || spec.replicas === 0) return "";
  const hash = status.blueGreen?.activeSelector ?? status.stableRS;
  const live = replicaSetOf(facts, hash);
  if (live === undefined)
    return hash === status.stableRS
      ? `users get no answer: the ReplicaSet of the live version ${hash} is gone`
      : "";
  const { availableReplicas = 0 } = live.status ?? {};
  return availableReplicas > 0 ? "" : `users get no answer: no pod of the live version ${hash} is available`;
}

function paused(facts: Facts): Clauses | undefined {
  const { rollout, now } = facts;
  if (rollout.spec.paused !== true) return undefined;
  return [
    `${titleOf(facts)} is paused by spec.paused${since(conditionOf(rollout, "Paused")?.lastTransitionTime, now)}, and there is no update that waits`,
    `a new version will, until \`teal promote ${nameOf(facts)}\` takes the pause back`,
  ];
}

function finished(facts: Facts): Clauses | undefined {
  const { rollout, replicaSets, now } = facts;
  if (phaseOf(rollout).phase !== "Healthy") return undefined;
  const { status = {} } = rollout;
  const completed = conditionOf(rollout, "Completed");
  const at = completed?.status === "True" ? since(completed.lastTransitionTime, now) : "";
  const old = replicaSets
    .filter(({ metadata }) => metadata.labels?.[podTemplateHashLabel] !== status.stableRS)
    .map(({ metadata }) => metadata.labels?.[podTemplateHashLabel])
    .map((hash) => retirement(facts, hash, `the old one,${revisionText(facts, hash, "")}, goes`));
  return [`${titleOf(facts)} waits for nothing:${versionText(facts, status.stableRS)} is live${at}`, ...old];
}

function otherwise(facts: Facts): Clauses {
  const { phase, message } = phaseOf(facts.rollout);
  return [`${titleOf(facts)} is ${phase}${message === "" ? "" : `: ${message}`}`];
}

function withDetail({ on, detail }: WaitingView): string {
  return detail === undefined ? on : `${on} (${detail})`;
}

function lasting(wait: WaitingView): string {
  return (
    withDetail(wait) + (wait.since === undefined ? "" : `, since ${formatTime(wait.since)} (${wait.age})`)
  );
}

function replicaSetOf({ replicaSets }: Facts, hash: string | undefined): ReplicaSet | undefined {
  if (hash === undefined) return undefined;
  return replicaSets.find(({ metadata }) => metadata.labels?.[podTemplateHashLabel] === hash);
}

/** ` revision 2`, after `before`; empty where the ReplicaSet is not there. */
function revisionText(facts: Facts, hash: string | undefined, before: string): string {
  const replicaSet = replicaSetOf(facts, hash);
  return replicaSet === undefined ? "" : `${before} revision ${revisionOf(replicaSet)}`;
}

/** ` revision 2 (web:2)`, or what is known of it. */
function versionText(facts: Facts, hash: string | undefined): string {
  const replicaSet = replicaSetOf(facts, hash);
  if (replicaSet === undefined) return ` version ${hash ?? ""}`.trimEnd();
  const images = replicaSet.spec.template.spec.containers.map(({ image = "" }) => image);
  return ` revision ${revisionOf(replicaSet)} (${images.join(", ")})`;
}

/** `the old one goes at …`; empty where it does not. */
function retirement(facts: Facts, hash: string | undefined, what: string): string {
  const replicaSet = replicaSetOf(facts, hash);
  const at = parseTime(replicaSet?.metadata.annotations?.[scaleDownDeadlineAnnotation] ?? "");
  if (at === undefined || (replicaSet?.spec.replicas ?? 0) === 0) return "";
  return at > facts.now
    ? `${what} at ${time(at, facts.now)}`
    : `${what} as soon as it is not needed any more`;
}

function ago(at: Instant, now: Instant): string {
  return `${formatTime(at)} (${humanDuration((now - at) / 1000)} ago)`;
}

function since(text: string | undefined, now: Instant): string {
  const from = parseTime(text ?? "");
  return from === undefined ? "" : ` since ${formatTime(from)} (${humanDuration((now - from) / 1000)})`;
}

function time(at: Instant, now: Instant): string {
  return at > now ? `${formatTime(at)} (in ${humanDuration((at - now) / 1000)})` : formatTime(at);
}
