import { snapshotNow } from "../../controller/debug-snapshot.ts";
import { snapshotText } from "../../rollout/saved-snapshot.ts";
import { verb } from "../command.ts";

export const debugSnapshot = verb({
  flags: {},
  words: { least: 1, most: 1 },
  async run({ words: [name = ""] }, { terminal, clock, cluster }) {
    const { client, namespace } = await cluster();
    const onProblem = (text: string): void => terminal.error(`${text}\n`);
    terminal.out(snapshotText(await snapshotNow(client, clock, namespace, name, onProblem)));
    return 0;
  },
});
