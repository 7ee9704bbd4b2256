import type { Rollout } from "../../api/rollout.ts";
import { phaseOf } from "../../view/rollout-phase.ts";
import { strategyView } from "../../view/strategies.ts";
import { columns } from "./columns.ts";
import { plain } from "./paint.ts";

const header = [
  "NAME",
  "STRATEGY",
  "STATUS",
  "STEP",
  "SET-WEIGHT",
  "READY",
  "DESIRED",
  "UP-TO-DATE",
  "AVAILABLE",
];

/** A line for each Rollout, as `kubectl argo rollouts list rollouts` has it. */
export function printRolloutList(rollouts: readonly Rollout[], withNamespace: boolean): string {
  const rows = rollouts.map((rollout) => {
    const { metadata, spec, status = {} } = rollout;
    const line = [
      metadata.name,
      strategyView(rollout).name,
      phaseOf(rollout).phase,
      "-",
      "-",
      `${status.readyReplicas ?? 0}/${status.replicas ?? 0}`,
      String(spec.replicas ?? 1),
      String(status.updatedReplicas ?? 0),
      String(status.availableReplicas ?? 0),
    ];
    return withNamespace ? [metadata.namespace ?? "", ...line] : line;
  });
  return columns([withNamespace ? ["NAMESPACE", ...header] : header, ...rows], 2, plain);
}
