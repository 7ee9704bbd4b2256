import { undoing } from "../../view/requests/undo.ts";
import { verb } from "../command.ts";
import { wholeNumber } from "../flags.ts";
import { carryOut, readSeen } from "../rollout-requests.ts";

export const undo = verb({
  flags: {
    "to-revision": {
      takes: "text",
      value: "N",
      help: "revision to go back to; the previous one unless given",
    },
  },
  words: { least: 1, most: 1 },
  async run({ words: [name = ""], flags }, context) {
    // As for kubectl, 0 is the previous one.
    const revision = wholeNumber("to-revision", flags["to-revision"]) || undefined;
    const cluster = await context.cluster();
    const answer = undoing(await readSeen(cluster, name, "versions"), revision);
    context.terminal.out(await carryOut(cluster, name, answer));
    return 0;
  },
});
