import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { join } from "node:path";
import { type DataFolder, dataFolder } from "../../cluster/supervisor/data-folder.ts";
import { openLog } from "../../cluster/supervisor/log-file.ts";
import { isFromPart } from "../../cluster/supervisor/messages.ts";
import type { UpCluster } from "../../cluster/supervisor/supervisor.ts";
import { ownProgram, tealCommand, untilInterrupted, withCluster } from "../cluster-up.ts";
import { type Context, verb } from "../command.ts";
import { CommandError } from "../errors.ts";
import { authorizationModeOf, syncModeOf, wholeNumber } from "../flags.ts";
import { Waiting } from "../waiting.ts";

const syncFlag = {
  takes: "text",
  value: "MODE",
  help: "when writes are forced onto the disk: background (within about a second) or always (before each answer)",
} as const;
const authorizationFlag = {
  takes: "text",
  value: "MODE",
  help: "who may do what: everybody with a credential may do everything (everybody), or as roles say (rbac)",
} as const;
const portFlag = { takes: "text", value: "N", help: "port of the API server, 7443 unless given" } as const;

const registryFlag = {
  takes: "text",
  value: "PORT",
  otherwise: "5000",
  help: "also start a registry that docker, buildah, skopeo and helm push to, on port 5000 unless PORT is given",
} as const;

export const up = verb({
  flags: {
    port: portFlag,
    registry: registryFlag,
    sync: syncFlag,
    authorization: authorizationFlag,
    background: { takes: "nothing", help: "come back when it is up, and leave it running" },
  },
  words: { least: 0, most: 0 },
  async run({ flags }, context) {
    const data = dataFolder(flags.data);
    const port = portOf(flags.port);
    const registry = portOf(flags.registry, "registry");
    const sync = syncModeOf(flags.sync);
    const authorization = authorizationModeOf(flags.authorization);
    if (flags.background) return startInBackground(data, flags, context);
    const progress = new Waiting(context.terminal, context.clock);
    return withCluster(
      { data, port, sync, authorization, registry, kubeconfig: flags.kubeconfig, progress },
      context,
      (cluster, interrupted) => {
        context.terminal.out(`${announcement(cluster, data, registry)}Ctrl-C stops everything.\n`);
        return untilInterrupted(interrupted);
      },
    );
  },
});

/** What `up --background` leaves running. */
export const supervise = verb({
  flags: { port: portFlag, registry: registryFlag, sync: syncFlag, authorization: authorizationFlag },
  words: { least: 0, most: 0 },
  async run({ flags }, context) {
    const data = dataFolder(flags.data);
    const progress = new Waiting(context.terminal, context.clock);
    const [port, sync] = [portOf(flags.port), syncModeOf(flags.sync)];
    const authorization = authorizationModeOf(flags.authorization);
    const registry = portOf(flags.registry, "registry");
    const options = { data, port, sync, authorization, registry, kubeconfig: flags.kubeconfig, progress };
    try {
      return await withCluster(options, context, async (cluster, interrupted) => {
        await detach({ is: "ready", facts: { server: cluster.server, port: String(cluster.port) } });
        return untilInterrupted(interrupted);
      });
    } catch (error) {
      if (error instanceof CommandError) await detach({ is: "failed", reason: error.message });
      throw error;
    }
  },
});

export function portOf(text: string | undefined, flag = "port"): number | undefined {
  const port = wholeNumber(flag, text);
  if (port !== undefined && (port < 1 || port > 65_535))
    throw new CommandError(`--${flag}: must be from 1 to 65535, not ${port}`);
  return port;
}

async function startInBackground(
  data: DataFolder,
  flags: Readonly<Record<"port" | "sync" | "authorization" | "registry" | "kubeconfig", string | undefined>>,
  { terminal, clock }: Context,
): Promise<number> {
  const logFile = join(data.logs, "supervisor.log");
  const log = openLog(logFile);
  const [program, main] = ownProgram();
  const args = [main, "supervise", "--data", data.path];
  if (flags.port !== undefined) args.push("--port", flags.port);
  if (flags.registry !== undefined) args.push("--registry", flags.registry);
  if (flags.sync !== undefined) args.push("--sync", flags.sync);
  if (flags.authorization !== undefined) args.push("--authorization", flags.authorization);
  if (flags.kubeconfig !== undefined) args.push("--kubeconfig", flags.kubeconfig);
  const child = spawn(program, args, { detached: true, stdio: ["ignore", log, log, "ipc"] });
  closeSync(log);
  const started = new Promise<UpCluster>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) =>
      reject(
        new CommandError(`the cluster ended at its start (${signal ?? `exit code ${code}`}); see ${logFile}`),
      ),
    );
    child.on("message", (message) => {
      if (!isFromPart(message)) return;
      if (message.is === "failed") reject(new CommandError(message.reason));
      if (message.is === "ready")
        resolve({ server: message.facts["server"] ?? "", port: Number(message.facts["port"]) });
    });
  });
  const waiting = new Waiting(terminal, clock);
  const cluster = await waiting.during("cluster to start", started);
  child.removeAllListeners();
  child.unref();
  terminal.out(
    `${announcement(cluster, data, portOf(flags.registry, "registry"))}"${tealCommand()} down${dataFlag(data)}" stops everything.\n`,
  );
  return 0;
}

/** Tells the starter, and then belongs to nobody. */
async function detach(message: object): Promise<void> {
  if (process.send === undefined || !process.connected) return;
  await new Promise<void>((resolve) => process.send?.(message, undefined, {}, () => resolve()));
  process.removeAllListeners("disconnect");
  process.disconnect();
}

function announcement({ server }: UpCluster, data: DataFolder, registry: number | undefined): string {
  const teal = tealCommand();
  return [
    `The cluster is up at ${server}`,
    `kubeconfig: ${data.kubeconfig}`,
    ...(registry === undefined ? [] : [`registry: localhost:${registry}, without TLS`]),
    "Try:",
    `  export KUBECONFIG=${data.kubeconfig}`,
    `  kubectl apply -f examples/weather/rollout.yaml    (or: ${teal} apply -f examples/weather/rollout.yaml)`,
    `  ${teal} get rollout rollout-weather-app --watch`,
    "",
  ].join("\n");
}

/** The flag that names the folder, where it is not the usual one. */
export function dataFlag(data: DataFolder): string {
  return data.path === dataFolder().path ? "" : ` --data ${data.path}`;
}
