import type { Rollout } from "../../api/rollout.ts";
import { any, command } from "../command.ts";
import { CommandError } from "../errors.ts";
import { patchStatus, readRollout } from "../rollout-requests.ts";
import { hasNothingToDo, newVersionHint, stateText } from "../rollout-state.ts";

export const retryRollout = command({
  names: ["retry rollout", "retry ro", "retry rollouts"],
  usage: "NAME…",
  summary: "Start an aborted update again",
  flags: {},
  words: { least: 1, most: any },
  async run({ words }, context) {
    for (const name of words) {
      checkAborted(await readRollout(context.cluster(), name));
      await patchStatus(context.cluster(), name, { abort: false });
      context.terminal.out(`rollout '${name}' retried\n`);
    }
    return 0;
  },
});

function checkAborted(rollout: Rollout): void {
  if (rollout.status?.abort === true) return;
  const { name } = rollout.metadata;
  const wayOut = hasNothingToDo(rollout)
    ? newVersionHint(rollout)
    : `"teal get rollout ${name}" shows what it needs`;
  throw new CommandError(
    `rollout '${name}' cannot be retried: it has not been aborted, it is ${stateText(rollout)}. ${wayOut}`,
  );
}
