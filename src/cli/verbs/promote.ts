import { promotion } from "../../view/requests/promote.ts";
import { verb } from "../command.ts";
import { carryOut, readSeen } from "../rollout-requests.ts";

export const promote = verb({
  flags: {
    full: { takes: "nothing", help: "skip pauses and analysis; the new version must still be up" },
  },
  words: { least: 1, most: 1 },
  async run({ words: [name = ""], flags }, context) {
    const cluster = await context.cluster();
    const answer = promotion(await readSeen(cluster, name, "versions"), flags);
    context.terminal.out(await carryOut(cluster, name, answer));
    return 0;
  },
});
