import { readLog } from "../../logs/read-log.ts";
import type { RunLogs } from "../../logs/run-log.ts";
import { PodFolder } from "../../process/pod-folder.ts";
import type { NodeTarget } from "../node-path.ts";
import { failure, success } from "./command-client.ts";
import {
  type CommandWorld,
  commandClient,
  commandOptionsIn,
  isRunning,
  type Upgrade,
} from "./exec-stream.ts";

export interface AttachWorld extends CommandWorld {
  readonly dataFolder: string;
  readonly logs: RunLogs;
}

const fromNowOn = {
  follow: true,
  previous: false,
  timestamps: false,
  tailLines: 0,
  since: undefined,
  limitBytes: undefined,
} as const;

/**
 * Passes on what a container writes from now on, until it ends. It writes into its log, so both of its outputs come as one; it
 * reads from nowhere, which is said to who wants to type. Throws a refusal when there is none.
 */
export async function attachStream(
  upgrade: Upgrade,
  { query, namespace, name }: NodeTarget,
  { pod, clock, dataFolder, logs }: AttachWorld,
): Promise<void> {
  const options = commandOptionsIn(query);
  const { container } = options;
  const missing =
    pod !== undefined && isRunning(pod, container)
      ? undefined
      : `container ${container} not found in pod ${name}_${namespace}`;
  const client = await commandClient(upgrade, options, clock, missing);
  if (client === undefined || pod === undefined) return;
  if (options.stdin || options.tty) {
    const wayOut = "leave out -i and -t, or run a program beside it with kubectl exec";
    await client.finish(
      failure(`the embedded cluster passes nothing to a container's own program: ${wayOut}`),
    );
    return;
  }
  const folder = new PodFolder(dataFolder, pod.metadata.uid ?? "");
  const run = folder.readContainer(container)?.run ?? 0;
  const log = logs.at(folder.logPath(container, run));
  const to = options.stdout ? "stdout" : "stderr";
  for await (const piece of readLog(log, { ...fromNowOn, container }, client.gone))
    await client.write(to, piece);
  await client.finish(success);
}
