import { whyOf } from "../../view/why.ts";
import { verb } from "../command.ts";
import { printWords } from "../print/words.ts";
import { readSeen } from "../rollout-requests.ts";

export const why = verb({
  flags: {},
  words: { least: 1, most: 1 },
  async run({ words: [name = ""] }, { terminal, clock, cluster }) {
    const seen = await readSeen(await cluster(), name, "rollout");
    terminal.out(`${printWords(whyOf(seen), clock.now())}\n`);
    return 0;
  },
});
