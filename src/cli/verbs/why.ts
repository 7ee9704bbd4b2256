import { whyOf } from "../../view/why.ts";
import { verb } from "../command.ts";
import { readPods, readReplicaSets, readRollout } from "../rollout-requests.ts";

export const why = verb({
  flags: {},
  words: { least: 1, most: 1 },
  async run({ words: [name = ""] }, { terminal, clock, cluster: connect }) {
    const cluster = await connect();
    const rollout = await readRollout(cluster, name);
    const [replicaSets, pods] = await Promise.all([readReplicaSets(cluster, rollout), readPods(cluster)]);
    terminal.out(`${whyOf({ rollout, replicaSets, pods, now: clock.now() })}\n`);
    return 0;
  },
});
