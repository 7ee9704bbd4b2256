import { podTemplateHashLabel } from "../../api/names.ts";
import type { Rollout } from "../../api/rollout.ts";
import { defaultReplicas } from "../../api/strategy.ts";
import { isInvalid, phaseOf } from "../../view/rollout-phase.ts";
import { type Cluster, verb } from "../command.ts";
import { CommandError } from "../errors.ts";
import { patchSpec, patchStatus, readReplicaSets, readRollout } from "../rollout-requests.ts";
import { isUpdating, newVersionHint, stateText } from "../rollout-state.ts";

export const promote = verb({
  flags: {
    full: { takes: "nothing", help: "skip pauses and analysis; the new version must still be up" },
  },
  words: { least: 1, most: 1 },
  async run({ words: [name = ""], flags }, context) {
    const cluster = await context.cluster();
    const rollout = await readRollout(cluster, name);
    const { status, spec } = promotionOf(rollout, flags.full);
    if (status !== undefined && !flags.full) await checkPreview(cluster, rollout);
    if (status !== undefined) await patchStatus(cluster, name, status);
    if (spec !== undefined) await patchSpec(cluster, name, spec);
    context.terminal.out(`rollout '${name}' ${flags.full ? "fully promoted" : "promoted"}\n`);
    return 0;
  },
});

/** What to merge into status and spec. */
export interface Promotion {
  readonly status?: object;
  readonly spec?: object;
}

/** What promotes this Rollout; `CommandError` when there is nothing that could be promoted now. */
function promotionOf(rollout: Rollout, full: boolean): Promotion {
  if (isInvalid(rollout)) throw new CommandError(refusal(rollout));
  const { spec, status = {} } = rollout;
  const unpause = spec.paused === true ? { spec: { paused: false } } : {};
  if (full) {
    if (isUpdating(rollout)) return { ...unpause, status: { promoteFull: true } };
  } else if ((status.pauseConditions ?? []).length > 0) {
    return { ...unpause, status: { pauseConditions: null } };
  }
  if (spec.paused === true) return unpause;
  throw new CommandError(refusal(rollout));
}

/** A version that was up when the pause began may have crashed since; users must not be sent there. */
async function checkPreview(cluster: Cluster, rollout: Rollout): Promise<void> {
  const { metadata, spec, status = {} } = rollout;
  if (spec.strategy?.blueGreen === undefined) return;
  const current = (await readReplicaSets(cluster, rollout)).find(
    (replicaSet) => replicaSet.metadata.labels?.[podTemplateHashLabel] === status.currentPodHash,
  );
  const wanted = current?.spec.replicas ?? spec.replicas ?? defaultReplicas;
  const available = current?.status?.availableReplicas ?? 0;
  if (available >= wanted) return;
  const { name } = metadata;
  throw new CommandError(
    `rollout '${name}' cannot be promoted: ${available} of ${wanted} pods of the new version are available. ` +
      `"teal get rollout ${name}" shows why; wait until they are, or have it go on by itself then with "teal promote ${name} --full"`,
  );
}

function refusal(rollout: Rollout): string {
  const { name } = rollout.metadata;
  const { phase } = phaseOf(rollout);
  const what = `rollout '${name}' cannot be promoted: it is ${stateText(rollout)}`;
  if (isInvalid(rollout)) return `${what}. Mend that first`;
  if (rollout.status?.abort === true)
    return `${what}. Start the update again with "teal retry rollout ${name}"`;
  if (!isUpdating(rollout) && phase === "Healthy")
    return `${what} and nothing is being updated. ${newVersionHint(rollout)}`;
  if (phase === "Progressing")
    return `${what}. Wait until it is Paused ("teal status ${name}"), or skip all pauses with "teal promote ${name} --full"`;
  return `${what}. "teal get rollout ${name}" shows what it needs`;
}
