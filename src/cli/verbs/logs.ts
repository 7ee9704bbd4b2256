import { pathOf, resources } from "../../api/resources.ts";
import { verb } from "../command.ts";
import { wholeNumber } from "../flags.ts";

export const logs = verb({
  flags: {
    follow: { takes: "nothing", short: "f", help: "go on with what it writes from now on" },
    container: { takes: "text", short: "c", value: "NAME", help: "container, where the pod has several" },
    previous: { takes: "nothing", short: "p", help: "of the container's run before its last restart" },
    tail: { takes: "text", value: "N", help: "only the last N lines" },
  },
  words: { least: 1, most: 1 },
  async run({ words: [pod = ""], flags }, { terminal, cluster }) {
    const { namespace, follow } = await cluster();
    const tail = wholeNumber("tail", flags.tail);
    const query = {
      ...(flags.follow ? { follow: "true" } : {}),
      ...(flags.previous ? { previous: "true" } : {}),
      ...(flags.container === undefined ? {} : { container: flags.container }),
      ...(tail === undefined ? {} : { tailLines: String(tail) }),
    };
    const path = pathOf(resources.pods, namespace, pod, "log");
    const pieces = follow({ method: "GET", path, query, accept: "*/*" }, terminal.interrupted);
    for await (const piece of pieces) terminal.out(piece);
    return 0;
  },
});
