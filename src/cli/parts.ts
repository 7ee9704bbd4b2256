import { firstBlock } from "../cluster/addresses.ts";
import type { SyncMode } from "../cluster/store/file-journal.ts";
import { type DataFolder, dataFolder } from "../cluster/supervisor/data-folder.ts";
import { type RunningPart, runSupervised } from "../cluster/supervisor/supervised.ts";
import { type Clock, formatTime } from "../time/clock.ts";
import { type Verb, verb } from "./command.ts";
import { keepCompiledCode } from "./compiled-code.ts";
import { UsageError } from "./errors.ts";
import { syncModeOf, wholeNumber } from "./flags.ts";

interface Place {
  readonly data: DataFolder;
  readonly port: number;
  readonly block: number;
  readonly kubeconfig: string | undefined;
  readonly sync: SyncMode | undefined;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** A process of the embedded cluster, started by its supervisor. It loads the code of no other. */
function part(load: () => Promise<(place: Place) => RunningPart>): Verb {
  return verb({
    flags: {
      port: { takes: "text", value: "N", help: "port of the API server" },
      block: { takes: "text", value: "B", help: "addresses of the cluster, 127.B.0.0/16" },
      sync: { takes: "text", value: "MODE", help: "when the API server forces writes onto the disk" },
    },
    words: { least: 0, most: 0 },
    async run({ flags }, { clock, terminal }) {
      const port = wholeNumber("port", flags.port);
      if (port === undefined) throw new UsageError("--port: must be given");
      const begin = await load();
      const running = begin({
        data: dataFolder(flags.data),
        port,
        block: wholeNumber("block", flags.block) ?? firstBlock,
        kubeconfig: flags.kubeconfig,
        sync: syncModeOf(flags.sync),
        clock,
        log: (line) => terminal.error(`${formatTime(clock.now())} ${line}\n`),
      });
      // Why it does not become ready is told by `runSupervised`.
      running.ready.then(keepCompiledCode, () => {});
      return runSupervised(running);
    },
  });
}

// The processes of the embedded cluster besides the controller, which is a command for people as well.
export const apiServer: Verb = part(
  async () => (await import("../cluster/supervisor/process/api-server.ts")).apiServerPart,
);
export const node: Verb = part(async () => (await import("../cluster/supervisor/process/node.ts")).nodePart);
export const traffic: Verb = part(
  async () => (await import("../cluster/supervisor/process/traffic.ts")).trafficPart,
);
