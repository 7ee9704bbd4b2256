import type { Rollout } from "../../api/rollout.ts";
import { any, verb } from "../command.ts";
import { CommandError } from "../errors.ts";
import { patchStatus, readRollout } from "../rollout-requests.ts";
import { hasNothingToDo, newVersionHint, stateText } from "../rollout-state.ts";

export const retryRollout = verb({
  flags: {},
  words: { least: 1, most: any },
  async run({ words }, context) {
    for (const name of words) {
      checkAborted(await readRollout(await context.cluster(), name));
      await patchStatus(await context.cluster(), name, { abort: false });
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
