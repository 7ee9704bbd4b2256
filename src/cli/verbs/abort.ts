import { abortion } from "../../view/requests/update.ts";
import { any, verb } from "../command.ts";
import { carryOut, readRollout } from "../rollout-requests.ts";

export const abort = verb({
  flags: {},
  words: { least: 1, most: any },
  async run({ words }, context) {
    const cluster = await context.cluster();
    for (const name of words) {
      const answer = abortion(await readRollout(cluster, name));
      context.terminal.out(await carryOut(cluster, name, answer));
    }
    return 0;
  },
});
