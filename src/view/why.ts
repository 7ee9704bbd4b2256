import type { ReplicaSet } from "../api/core.ts";
import { instanceIdLabel, scaleDownDeadlineAnnotation, stayingConnectionsAnnotation } from "../api/names.ts";
import { wasLive } from "../rollout/replica-set.ts";
import { lateAt } from "../rollout/status/progress.ts";
import { parseTime } from "../time/clock.ts";
import { isObserved, phaseOf } from "./rollout-phase.ts";
import { hashOf, ownedBy, replicaSetOf, revisionOf, type Seen, versionOf } from "./seen.ts";
import { strategyView } from "./strategies.ts";
import { conditionOf, isPromotedSince, isUpdate, type WaitingView, waitingOf } from "./waiting.ts";
import { sentence, since, type Words } from "./words.ts";

/**
 * Why a Rollout stands where it stands, in one sentence: what it waits for, since when, until when, and what would end it;
 * or what is broken and what can be done; or that nothing is left to do.
 */
export function whyOf(seen: Seen): Words {
  const because = reasons.map((reason) => reason(seen)).find((clauses) => clauses !== undefined) ?? [];
  return sentence([...because, ...staying(seen)]);
}

/** Connections that no switch could move, as the embedded cluster's traffic process counts them. */
function staying(seen: Seen): Clauses {
  return seen.replicaSets.flatMap((replicaSet) => {
    const pods = ownedBy(replicaSet, seen.pods);
    const counts = pods.map(({ metadata }) =>
      Number(metadata.annotations?.[stayingConnectionsAnnotation] ?? 0),
    );
    const count = counts.reduce((sum, each) => sum + (each || 0), 0);
    if (count === 0) return [];
    const connections = count === 1 ? "1 connection is" : `${count} connections are`;
    return [[`${connections} still on revision ${revisionOf(replicaSet)}`]];
  });
}

type Clauses = readonly Words[];

/** The first that applies counts. */
const reasons: readonly ((seen: Seen) => Clauses | undefined)[] = [
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

const nameOf = ({ rollout }: Seen): string => rollout.metadata.name;
const titleOf = (seen: Seen): string => `rollout '${nameOf(seen)}'`;
const momentOf = (text: string | undefined) => parseTime(text ?? "");

function beingDeleted(seen: Seen): Clauses | undefined {
  const { deletionTimestamp } = seen.rollout.metadata;
  return deletionTimestamp === undefined ? undefined : [[`${titleOf(seen)} is being deleted`]];
}

function unseen(seen: Seen): Clauses | undefined {
  const { rollout } = seen;
  if (isObserved(rollout)) return undefined;
  const { generation = 0, labels } = rollout.metadata;
  const looked = rollout.status?.observedGeneration;
  const id = labels?.[instanceIdLabel];
  const flag = id === undefined ? "" : ` --instance-id ${id}`;
  return [
    [
      `${titleOf(seen)} waits for a controller to look at its spec: generation ${generation} is there, ` +
        `${looked ?? "none"} has been looked at`,
    ],
    [`if this stays so, no controller runs for it, and \`teal controller${flag}\` starts one`],
  ];
}

function invalid(seen: Seen): Clauses | undefined {
  const condition = conditionOf(seen.rollout, "InvalidSpec");
  if (condition?.status !== "True" || phaseOf(seen.rollout).phase !== "Degraded") return undefined;
  const { message = "", lastUpdateTime } = condition;
  const what = message.replace(`The Rollout "${nameOf(seen)}" is invalid: `, "");
  return [
    [`${titleOf(seen)} is not carried out`, ...since(momentOf(lastUpdateTime)), `: ${what}`],
    ["it goes on as soon as that is put right"],
  ];
}

function aborted(seen: Seen): Clauses | undefined {
  const { rollout } = seen;
  const { status = {} } = rollout;
  if (status.abort !== true) return undefined;
  const message = conditionOf(rollout, "Progressing")?.message ?? "";
  const [, cause = ""] = /^Rollout aborted update to revision \d+(?:: (.*))?$/s.exec(message) ?? [];
  const at = momentOf(status.abortedAt);
  const live = strategyView(rollout).liveHash(rollout);
  const isBack = live === undefined || live === status.stableRS;
  const wait = waitingOf(seen);
  const back = `users are not all back yet${wait === undefined ? "" : `: waiting for ${withDetail(wait)}`}`;
  const gone = outage(seen);
  return [
    [
      `the update of ${titleOf(seen)}${revisionText(seen, status.currentPodHash, " to")} was aborted`,
      ...(at === undefined ? [] : [{ at, as: "then" } as const]),
      cause === "" ? "" : `: ${cause.replace(/\.$/, "")}`,
    ],
    [gone === "" ? (isBack ? `users are on${versionText(seen, status.stableRS)}` : back) : gone],
    [`\`teal retry rollout ${nameOf(seen)}\` starts it again`],
    retirement(replicaSetOf(seen, status.currentPodHash), "its pods go"),
  ];
}

function promoted(seen: Seen): Clauses | undefined {
  if (!isPromotedSince(seen.rollout)) return undefined;
  return [
    [`${titleOf(seen)} has been promoted and waits for its controller to notice`],
    ["if this stays so, no controller runs for it"],
  ];
}

function broken(seen: Seen): Clauses | undefined {
  const { rollout } = seen;
  const { phase, message } = phaseOf(rollout);
  if (phase !== "Degraded") return undefined;
  const wait = waitingOf(seen);
  const wayOut = isUpdate(rollout)
    ? `mend the template, or give the update up with \`teal abort ${nameOf(seen)}\``
    : "mend the template, or what its pods need";
  const from = momentOf(conditionOf(rollout, "Progressing")?.lastUpdateTime);
  return [
    wait === undefined
      ? [`${titleOf(seen)} is broken`, ...since(from), `: ${message.replace(/\.$/, "")}`]
      : [`${titleOf(seen)} is late: it has been waiting for `, ...lasting(wait)],
    [wayOut],
  ];
}

function waiting(seen: Seen): Clauses | undefined {
  const { rollout } = seen;
  const wait = waitingOf(seen);
  if (wait === undefined) return undefined;
  const late =
    phaseOf(rollout).phase === "Progressing" && isUpdate(rollout)
      ? lateAt(rollout.spec, conditionOf(rollout, "Progressing"))
      : undefined;
  return [
    [`${titleOf(seen)} is waiting for `, ...lasting(wait)],
    [outage(seen)],
    [wait.end],
    late === undefined ? [] : ["without progress it counts as late", { at: late, as: "due" }],
  ];
}

/** What must be said before all else: the version that users are on has no pods. Empty when it has, or there is none yet. */
function outage(seen: Seen): string {
  const { spec, status = {} } = seen.rollout;
  const hash = strategyView(seen.rollout).liveHash(seen.rollout);
  const isKnown = hash !== undefined && seen.replicaSets.length > 0;
  if (!isKnown || (status.stableRS ?? "") === "" || spec.replicas === 0) return "";
  const live = replicaSetOf(seen, hash);
  if (live === undefined)
    return hash === status.stableRS
      ? `users get no answer: the ReplicaSet of the live version ${hash} is gone`
      : "";
  const { availableReplicas = 0 } = live.status ?? {};
  if (availableReplicas > 0) return "";
  return `users get no answer: no pod of the live version ${hash} is available${wayBack(seen, live)}`;
}

/** A version that users were on and that still has pods takes them back at once. */
function wayBack(seen: Seen, live: ReplicaSet): string {
  const warm = seen.replicaSets.find(
    (it) => it !== live && wasLive(it) && (it.status?.availableReplicas ?? 0) > 0,
  );
  if (warm === undefined) return "";
  return `; \`teal undo ${nameOf(seen)}\` takes them back to revision ${revisionOf(warm)}, whose pods are still there`;
}

function paused(seen: Seen): Clauses | undefined {
  const { rollout } = seen;
  if (rollout.spec.paused !== true) return undefined;
  return [
    [
      `${titleOf(seen)} is paused by spec.paused`,
      ...since(momentOf(conditionOf(rollout, "Paused")?.lastTransitionTime)),
      ", and there is no update that waits",
    ],
    [`a new version will, until \`teal promote ${nameOf(seen)}\` takes the pause back`],
  ];
}

function finished(seen: Seen): Clauses | undefined {
  const { rollout, replicaSets } = seen;
  if (phaseOf(rollout).phase !== "Healthy") return undefined;
  const { spec, status = {} } = rollout;
  const completed = conditionOf(rollout, "Completed");
  const at = completed?.status === "True" ? momentOf(completed.lastTransitionTime) : undefined;
  const version = versionText(seen, status.stableRS);
  const others = replicaSets.filter((replicaSet) => hashOf(replicaSet) !== status.stableRS);
  return [
    spec.replicas === 0
      ? [`${titleOf(seen)} waits for nothing:${version} is wanted with no pods, so nobody is served`]
      : [`${titleOf(seen)} waits for nothing:${version} is live`, ...since(at)],
    ...others.map((replicaSet) => retirement(replicaSet, `${formerText(replicaSet)} goes`)),
  ];
}

/** A version that users were on is the old one; of others nobody knows that they ever were. */
function formerText(replicaSet: ReplicaSet): string {
  const revision = `revision ${revisionOf(replicaSet)}`;
  return wasLive(replicaSet) ? `the old one, ${revision},` : revision;
}

function otherwise(seen: Seen): Clauses {
  const { phase, message } = phaseOf(seen.rollout);
  return [[`${titleOf(seen)} is ${phase}${message === "" ? "" : `: ${message}`}`]];
}

function withDetail({ on, progress, problem }: WaitingView): string {
  const details = [progress, problem].filter((text) => text !== undefined);
  return details.length === 0 ? on : `${on} (${details.join("; ")})`;
}

function lasting(wait: WaitingView): Words {
  return wait.since === undefined ? [withDetail(wait)] : [`${withDetail(wait)},`, ...since(wait.since)];
}

/** ` revision 2`, after `before`; empty where the ReplicaSet is not there. */
function revisionText(seen: Seen, hash: string | undefined, before: string): string {
  const replicaSet = replicaSetOf(seen, hash);
  return replicaSet === undefined ? "" : `${before} revision ${revisionOf(replicaSet)}`;
}

/** ` revision 2 (web:2)`, or what is known of it. */
function versionText(seen: Seen, hash: string | undefined): string {
  const replicaSet = replicaSetOf(seen, hash);
  return replicaSet === undefined ? ` version ${hash ?? ""}`.trimEnd() : ` ${versionOf(replicaSet)}`;
}

/** `the old one goes at …`; empty where it does not. */
function retirement(replicaSet: ReplicaSet | undefined, what: string): Words {
  const at = momentOf(replicaSet?.metadata.annotations?.[scaleDownDeadlineAnnotation]);
  if (at === undefined || (replicaSet?.spec.replicas ?? 0) === 0) return [];
  return [what, { at, as: "retirement" }];
}
