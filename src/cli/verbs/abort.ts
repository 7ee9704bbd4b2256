import type { Rollout } from "../../api/rollout.ts";
import { any, verb } from "../command.ts";
import { CommandError } from "../errors.ts";
import { patchStatus, readRollout } from "../rollout-requests.ts";
import { hasNothingToDo, stateText } from "../rollout-state.ts";

export const abort = verb({
  flags: {},
  words: { least: 1, most: any },
  async run({ words }, context) {
    for (const name of words) {
      checkUpdating(await readRollout(await context.cluster(), name));
      await patchStatus(await context.cluster(), name, { abort: true });
      context.terminal.out(`rollout '${name}' aborted\n`);
    }
    return 0;
  },
});

function checkUpdating(rollout: Rollout): void {
  if (!hasNothingToDo(rollout)) return;
  const { name } = rollout.metadata;
  throw new CommandError(
    `rollout '${name}' has no update to abort: it is ${stateText(rollout)}. ` +
      `To go back to an earlier version use "teal undo ${name}"`,
  );
}
