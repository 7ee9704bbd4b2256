import { whyOf } from "../../view/why.ts";
import { command } from "../command.ts";
import { readPods, readReplicaSets, readRollout } from "../rollout-requests.ts";

export const why = command({
  names: ["why"],
  usage: "NAME",
  summary: "Say in one sentence what the rollout waits for, since when, and what would end it",
  flags: {},
  words: { least: 1, most: 1 },
  async run({ words: [name = ""] }, { terminal, clock, cluster: connect }) {
    const cluster = connect();
    const rollout = await readRollout(cluster, name);
    const [replicaSets, pods] = await Promise.all([readReplicaSets(cluster, rollout), readPods(cluster)]);
    terminal.out(`${whyOf({ rollout, replicaSets, pods, now: clock.now() })}\n`);
    return 0;
  },
});
