import { any, verb } from "../command.ts";
import { patchSpec } from "../rollout-requests.ts";

export const pause = verb({
  flags: {},
  words: { least: 1, most: any },
  async run({ words }, context) {
    for (const name of words) {
      await patchSpec(await context.cluster(), name, { paused: true });
      context.terminal.out(`rollout '${name}' paused\n`);
    }
    return 0;
  },
});
