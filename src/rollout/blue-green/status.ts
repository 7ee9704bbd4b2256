import { selectorText } from "../../api/label-selector.ts";
import type { RolloutStatus } from "../../api/rollout.ts";
import type { BareReplicaSet } from "../identified-replica-set.ts";
import type { Memory } from "../memory.ts";
import { hashOf } from "../replica-set.ts";
import { foreignFields, present } from "../status/fields.ts";
import type { Reading } from "../strategy.ts";
import { type BlueGreenSituation, routing, wantedActiveHash } from "./situation.ts";

const ownFields = ["activeSelector", "previewSelector", "scaleUpPreviewCheckPoint"] as const;

/** Numbers of pods, and where the routes lead. */
export function readBlueGreen(situation: BlueGreenSituation, memory: Memory): Reading {
  const activeSelector = confirmedActiveHash(situation);
  const previewSelector = situation.preview?.target;
  const live = situation.replicaSets.filter((replicaSet) => hashOf(replicaSet) === activeSelector);
  const counted = live.length > 0 ? live : situation.replicaSets;
  const counts = {
    replicas: sum(situation.replicaSets, "replicas"),
    updatedReplicas: situation.current === undefined ? 0 : sum([situation.current], "replicas"),
    readyReplicas: sum(counted, "readyReplicas"),
    availableReplicas: sum(counted, "availableReplicas"),
    HPAReplicas: sum(counted, "replicas"),
    selector: selectorText(live[0]?.spec.selector ?? situation.rollout.spec.selector ?? {}),
  };
  const before = situation.rollout.status?.blueGreen ?? {};
  const scaleUpPreviewCheckPoint = memory.isPastCheckpoint || undefined;
  return {
    counts,
    liveHash: activeSelector,
    isSameVersion: activeSelector === before.activeSelector,
    fields: {
      blueGreen: {
        ...foreignFields(before, ownFields),
        ...present({ activeSelector, previewSelector, scaleUpPreviewCheckPoint }),
      },
    },
    hasMoved:
      activeSelector !== (before.activeSelector || undefined) ||
      previewSelector !== (before.previewSelector || undefined),
    isComplete:
      counts.updatedReplicas === situation.replicas &&
      counts.availableReplicas === situation.replicas &&
      activeSelector === situation.currentHash &&
      (situation.preview === undefined || previewSelector === situation.currentHash),
  };
}

export function pendingBlueGreen(situation: BlueGreenSituation, status: RolloutStatus): string | undefined {
  const { updatedReplicas = 0, availableReplicas = 0 } = status;
  if (updatedReplicas < situation.replicas) return "more replicas need to be updated";
  if (availableReplicas < updatedReplicas) return "updated replicas are still becoming available";
  if (status.blueGreen?.activeSelector !== situation.currentHash) return "active service cutover pending";
  if (status.stableRS !== situation.currentHash) return "waiting for post-promotion verification to complete";
  return undefined;
}

/** What is live is in the status: the hash changes only when requests are known to go there, and rightly. */
function confirmedActiveHash(situation: BlueGreenSituation): string | undefined {
  const { target } = situation.active;
  const recorded = situation.rollout.status?.blueGreen?.activeSelector || undefined;
  const isWanted = target !== undefined && target === wantedActiveHash(situation);
  return isWanted && routing(situation, situation.active, target).is === "routed" ? target : recorded;
}

function sum(
  replicaSets: readonly BareReplicaSet[],
  field: "replicas" | "readyReplicas" | "availableReplicas",
): number {
  return replicaSets.reduce((total, { status }) => total + (status?.[field] ?? 0), 0);
}
