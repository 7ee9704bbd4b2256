import { any, command } from "../command.ts";
import { patchStatus } from "../rollout-requests.ts";

export const retryRollout = command({
  names: ["retry rollout", "retry ro", "retry rollouts"],
  usage: "NAME…",
  summary: "Start an aborted update again",
  flags: {},
  words: { least: 1, most: any },
  async run({ words }, context) {
    for (const name of words) {
      await patchStatus(context.cluster(), name, { abort: false });
      context.terminal.out(`rollout '${name}' retried\n`);
    }
    return 0;
  },
});
