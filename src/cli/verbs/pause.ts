import { any, command } from "../command.ts";
import { patchSpec } from "../rollout-requests.ts";

export const pause = command({
  names: ["pause"],
  usage: "NAME…",
  summary: 'Hold the rollout where it is until "teal promote"',
  flags: {},
  words: { least: 1, most: any },
  async run({ words }, context) {
    for (const name of words) {
      await patchSpec(context.cluster(), name, { paused: true });
      context.terminal.out(`rollout '${name}' paused\n`);
    }
    return 0;
  },
});
