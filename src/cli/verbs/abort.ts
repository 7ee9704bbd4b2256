import { any, command } from "../command.ts";
import { patchStatus } from "../rollout-requests.ts";

export const abort = command({
  names: ["abort"],
  usage: "NAME…",
  summary: "Stop the update; users stay on, or go back to, the stable version",
  flags: {},
  words: { least: 1, most: any },
  async run({ words }, context) {
    for (const name of words) {
      await patchStatus(context.cluster(), name, { abort: true });
      context.terminal.out(`rollout '${name}' aborted\n`);
    }
    return 0;
  },
});
