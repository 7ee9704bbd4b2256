import { runSupervised } from "../../cluster/supervisor/supervised.ts";
import { Controller } from "../../controller/controller.ts";
import { KubernetesClient } from "../../kubernetes/client.ts";
import { formatTime } from "../../time/clock.ts";
import { verb } from "../command.ts";
import { keepCompiledCode } from "../compiled-code.ts";
import { keepHeapSmall } from "../small-heap.ts";

export const controller = verb({
  flags: {
    "instance-id": {
      takes: "text",
      value: "ID",
      help: "only Rollouts labelled with this id; only those without the label unless given",
    },
  },
  words: { least: 0, most: 0 },
  async run({ flags }, { terminal, clock, global, cluster }) {
    keepHeapSmall();
    const { client, server } = await cluster();
    const log = (text: string): void => terminal.error(`${formatTime(clock.now())} ${text}\n`);
    const running = new Controller({
      client: new KubernetesClient(client.transport, "teal-controller"),
      clock,
      // Unlike other commands, it works in all namespaces unless told otherwise.
      namespace: global.namespace,
      instanceId: flags["instance-id"],
      log,
    });
    log(`controller of ${global.namespace ?? "all namespaces"} at ${server}`);
    const code = await runSupervised({
      ready: running.start().then(() => {
        keepCompiledCode();
        return {};
      }),
      stop: () => running.stop(),
    });
    log("stopped");
    return code;
  },
});
