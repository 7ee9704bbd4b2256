import type { Rollout } from "../../api/rollout.ts";
import { phaseOf } from "../../view/rollout-phase.ts";
import { command } from "../command.ts";
import { CommandError } from "../errors.ts";
import { patchSpec, patchStatus, readRollout } from "../rollout-requests.ts";

export const promote = command({
  names: ["promote"],
  usage: "NAME [--full]",
  summary: "Let the paused update go on: users get the new version",
  flags: {
    full: { takes: "nothing", help: "skip pauses and analysis; the new version must still be up" },
  },
  words: { least: 1, most: 1 },
  async run({ words: [name = ""], flags }, context) {
    const cluster = context.cluster();
    const { status, spec } = promotionOf(await readRollout(cluster, name), flags.full);
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

function isUpdating({ status = {} }: Rollout): boolean {
  return status.currentPodHash !== status.stableRS;
}

function refusal(rollout: Rollout): string {
  const { name } = rollout.metadata;
  const { phase, message } = phaseOf(rollout);
  const state = message === "" ? phase : `${phase} - ${message}`;
  const what = `rollout '${name}' cannot be promoted: it is ${state}`;
  if (rollout.status?.abort === true)
    return `${what}. Start the update again with "teal retry rollout ${name}"`;
  if (!isUpdating(rollout) && phase === "Healthy")
    return `${what} and has no new version. Give it one, for example with "teal set image ${name} CONTAINER=IMAGE"`;
  if (phase === "Progressing")
    return `${what}. Wait until it is Paused ("teal status ${name}"), or skip all pauses with "teal promote ${name} --full"`;
  return `${what}. "teal get rollout ${name}" shows what it needs`;
}
