import { firstBlock } from "../../cluster/addresses.ts";
import { contextName } from "../../cluster/api-server/http/kubeconfig.ts";
import { dataFolder } from "../../cluster/supervisor/data-folder.ts";
import { runSupervised } from "../../cluster/supervisor/supervised.ts";
import { parts } from "../../parts/parts.ts";
import { formatTime } from "../../time/clock.ts";
import { verb } from "../command.ts";
import { keepCompiledCode } from "../compiled-code.ts";
import { UsageError } from "../errors.ts";
import { addOnsOf, addressingOf, authorizationModeOf, syncModeOf, wholeNumber } from "../flags.ts";

/** One process of the embedded cluster, started by its supervisor. It loads the code of no other. */
export const part = verb({
  flags: {
    port: { takes: "text", value: "N", help: "port of the API server" },
    block: { takes: "text", value: "B", help: "addresses of the cluster, 127.B.0.0/16" },
    name: { takes: "text", value: "NAME", help: "of the cluster in kubeconfigs" },
    registry: { takes: "text", value: "N", help: "port of the registry" },
    addresses: { takes: "text", value: "MODE", help: "own for each pod, or single" },
    address: { takes: "text", value: "IP", help: "what LoadBalancer Services share" },
    sync: { takes: "text", value: "MODE", help: "when the API server forces writes onto the disk" },
    authorization: { takes: "text", value: "MODE", help: "who decides who may do what" },
    with: { takes: "text", value: "NAMES", help: "whose kinds the API server is to know besides" },
  },
  words: { least: 1, most: 1 },
  async run({ flags, words: [name] }, { clock, terminal }) {
    const port = wholeNumber("port", flags.port);
    if (port === undefined) throw new UsageError("--port: must be given");
    const load = parts.find((one) => one.name === name)?.load;
    if (load === undefined) throw new UsageError(`"${name}" is none of the processes of a cluster`);
    const begin = await load();
    const running = begin({
      data: dataFolder(flags.data),
      port,
      block: wholeNumber("block", flags.block) ?? firstBlock,
      addressing: addressingOf(flags.addresses) ?? "own",
      address: flags.address,
      context: flags.name ?? contextName,
      kubeconfig: flags.kubeconfig,
      sync: syncModeOf(flags.sync),
      authorization: authorizationModeOf(flags.authorization),
      registry: wholeNumber("registry", flags.registry),
      addOns: addOnsOf(flags.with),
      clock,
      log: (line) => terminal.error(`${formatTime(clock.now())} ${line}\n`),
    });
    // Why it does not become ready is told by `runSupervised`.
    running.ready.then(keepCompiledCode, () => {});
    return runSupervised(running);
  },
});
