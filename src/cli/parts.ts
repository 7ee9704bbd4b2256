import { firstBlock } from "../cluster/addresses.ts";
import type { SyncMode } from "../cluster/store/file-journal.ts";
import { type DataFolder, dataFolder } from "../cluster/supervisor/data-folder.ts";
import { apiServerPart } from "../cluster/supervisor/process/api-server.ts";
import { nodePart } from "../cluster/supervisor/process/node.ts";
import { trafficPart } from "../cluster/supervisor/process/traffic.ts";
import { type RunningPart, runSupervised } from "../cluster/supervisor/supervised.ts";
import { defaultPort } from "../cluster/supervisor/supervisor.ts";
import { type Clock, formatTime } from "../time/clock.ts";
import { type Command, command } from "./command.ts";
import { wholeNumber } from "./flags.ts";
import { syncModeOf } from "./verbs/up.ts";

interface Place {
  readonly data: DataFolder;
  readonly port: number;
  readonly block: number;
  readonly kubeconfig: string | undefined;
  readonly sync: SyncMode | undefined;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** A process of the embedded cluster, started by its supervisor. */
function part(name: string, summary: string, run: (place: Place) => RunningPart): Command {
  return command({
    names: [name],
    usage: "",
    summary,
    flags: {
      port: { takes: "text", value: "N", help: "port of the API server" },
      block: { takes: "text", value: "B", help: "addresses of the cluster, 127.B.0.0/16" },
      sync: { takes: "text", value: "MODE", help: "when the API server forces writes onto the disk" },
    },
    hidden: true,
    words: { least: 0, most: 0 },
    run({ flags }, { clock, terminal }) {
      return runSupervised(
        run({
          data: dataFolder(flags.data),
          port: wholeNumber("port", flags.port) ?? defaultPort,
          block: wholeNumber("block", flags.block) ?? firstBlock,
          kubeconfig: flags.kubeconfig,
          sync: syncModeOf(flags.sync),
          clock,
          log: (line) => terminal.error(`${formatTime(clock.now())} ${line}\n`),
        }),
      );
    },
  });
}

/** The processes of the embedded cluster besides the controller, which is a command for people as well. */
export const parts: readonly Command[] = [
  part("api-server", "API server and built-in controllers", apiServerPart),
  part("node", "Node agent", nodePart),
  part("traffic", "Service proxy", trafficPart),
];
