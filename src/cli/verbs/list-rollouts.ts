import { resources } from "../../api/resources.ts";
import type { Rollout } from "../../api/rollout.ts";
import { verb } from "../command.ts";
import { printRolloutList } from "../print/rollout-list.ts";

export const listRollouts = verb({
  flags: {
    name: { takes: "text", value: "NAME", help: "only the rollout of this name" },
    "all-namespaces": { takes: "nothing", short: "A", help: "of all namespaces" },
  },
  words: { least: 0, most: 0 },
  async run({ flags }, { terminal, cluster }) {
    const { client, namespace } = await cluster();
    const all = flags["all-namespaces"];
    const { items } = await client.list<Rollout>(resources.rollouts, {
      namespace: all ? undefined : namespace,
      fieldSelector: flags.name === undefined ? undefined : `metadata.name=${flags.name}`,
    });
    if (items.length === 0) terminal.error("No resources found.\n");
    else terminal.out(printRolloutList(items, all));
    return 0;
  },
});
