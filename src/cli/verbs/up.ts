import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { join, resolve } from "node:path";
import { contextName } from "../../cluster/api-server/http/kubeconfig.ts";
import { type DataFolder, dataFolder, makeDataFolder } from "../../cluster/supervisor/data-folder.ts";
import { openLog } from "../../cluster/supervisor/log-file.ts";
import { isFromPart } from "../../cluster/supervisor/messages.ts";
import type { Progress, UpCluster } from "../../cluster/supervisor/supervisor.ts";
import { addOns } from "../../parts/bootstrap/add-ons.ts";
import {
  type ClusterUpOptions,
  dataFlag,
  ownProgram,
  tealCommand,
  untilInterrupted,
  withCluster,
} from "../cluster-up.ts";
import { type Context, type GlobalFlags, verb } from "../command.ts";
import { CommandError } from "../errors.ts";
import {
  addOnsOf,
  addressingOf,
  addressOf,
  authorizationModeOf,
  type FlagValues,
  syncModeOf,
  wholeNumber,
} from "../flags.ts";
import { Waiting } from "../waiting.ts";

const syncFlag = {
  takes: "text",
  value: "MODE",
  help: "when writes are forced onto the disk: background (within about a second) or always (before each answer)",
} as const;
const authorizationFlag = {
  takes: "text",
  value: "MODE",
  help: "who may do what: everybody with a credential may do everything (everybody), or as roles say (rbac); kept until told otherwise",
} as const;
const registryFlag = {
  takes: "text",
  value: "PORT",
  otherwise: "5000",
  help: "also start a registry that docker, buildah, skopeo and helm push to, on port 5000 unless PORT is given; none ends that",
} as const;
const clusterFlags = {
  with: {
    takes: "text",
    value: "NAMES",
    help: `kinds that the cluster is to know besides, separated by commas: ${addOns.join(", ")}`,
  },
  "no-controller": {
    takes: "nothing",
    help: "without Teal's controller, for another one to act on Rollouts",
  },
  port: { takes: "text", value: "N", help: "port of the API server, 7443 unless given" },
  name: {
    takes: "text",
    value: "NAME",
    help: "of the cluster in kubeconfigs; teal, or teal and its folder, unless given",
  },
  registry: registryFlag,
  sync: syncFlag,
  authorization: authorizationFlag,
  addresses: {
    takes: "text",
    value: "MODE",
    help: "own (each pod has one), single (all share 127.0.0.1, each with ports of its own) or auto, which tries",
  },
  address: {
    takes: "text",
    value: "IP",
    help: "one address of this machine for all LoadBalancer Services, whose ports must differ",
  },
} as const;

export const up = verb({
  flags: {
    ...clusterFlags,
    background: { takes: "nothing", help: "come back when it is up, and leave it running" },
  },
  words: { least: 0, most: 0 },
  async run({ flags }, context) {
    const asked = askedOf(flags);
    const { data } = asked;
    if (flags.background) return startInBackground(data, flags, context);
    const progress = new Waiting(context.terminal, context.clock);
    return withCluster({ ...asked, progress }, context, (cluster, interrupted) => {
      context.terminal.out(`${announcement(cluster, data)}Ctrl-C stops everything.\n`);
      return untilInterrupted(interrupted);
    });
  },
});

/** What `up --background` leaves running. */
export const supervise = verb({
  flags: {
    ...clusterFlags,
    "first-made": { takes: "text", value: "DIR", help: "what there was not of the data folder before" },
  },
  words: { least: 0, most: 0 },
  async run({ flags }, context) {
    const waiting = new Waiting(context.terminal, context.clock);
    const said: string[] = [];
    const progress: Progress = {
      during: (...wait) => waiting.during(...wait),
      say(line) {
        said.push(line);
        waiting.say(line);
      },
    };
    try {
      return await withCluster(
        { ...askedOf(flags), firstMade: flags["first-made"], progress },
        context,
        async (cluster, interrupted) => {
          const { server, port, context, registry = "" } = cluster;
          await detach({
            is: "ready",
            facts: { server, port: String(port), context, registry: String(registry), said: said.join("\n") },
          });
          return untilInterrupted(interrupted);
        },
      );
    } catch (error) {
      if (error instanceof CommandError) await detach({ is: "failed", reason: error.message });
      throw error;
    }
  },
});

type ClusterFlags = FlagValues<typeof clusterFlags> & Pick<GlobalFlags, "data" | "kubeconfig">;

function askedOf(flags: ClusterFlags): Omit<ClusterUpOptions, "progress"> {
  return {
    data: dataFolder(flags.data),
    port: portOf(flags.port),
    registry: flags.registry === "none" ? "none" : portOf(flags.registry, "registry"),
    sync: syncModeOf(flags.sync),
    authorization: authorizationModeOf(flags.authorization),
    addressing: addressingOf(flags.addresses),
    address: addressOf("address", flags.address),
    addOns: addOnsOf(flags.with),
    hasController: !flags["no-controller"],
    kubeconfig: flags.kubeconfig === undefined ? undefined : resolve(flags.kubeconfig),
    name: contextNameOf(flags.name),
  };
}

function contextNameOf(text: string | undefined): string | undefined {
  if (text !== undefined && !/^[\w.@:/-]+$/.test(text))
    throw new CommandError(`--name: must be letters, digits and any of . _ - @ : /, not "${text}"`);
  return text;
}

export function portOf(text: string | undefined, flag = "port"): number | undefined {
  const port = wholeNumber(flag, text);
  if (port !== undefined && (port < 1 || port > 65_535))
    throw new CommandError(`--${flag}: must be from 1 to 65535, not ${port}`);
  return port;
}

async function startInBackground(
  data: DataFolder,
  flags: ClusterFlags,
  { terminal, clock }: Context,
): Promise<number> {
  const logFile = join(data.logs, "supervisor.log");
  const firstMade = makeDataFolder(data);
  const log = openLog(logFile);
  const [program, main] = ownProgram();
  const args = [main, "supervise", "--data", data.path];
  if (flags["no-controller"]) args.push("--no-controller");
  if (firstMade !== undefined) args.push("--first-made", firstMade);
  for (const name of [
    "port",
    "name",
    "registry",
    "with",
    "sync",
    "authorization",
    "addresses",
    "address",
    "kubeconfig",
  ] as const) {
    const value = flags[name];
    if (value !== undefined) args.push(`--${name}`, value);
  }
  const child = spawn(program, args, { detached: true, stdio: ["ignore", log, log, "ipc"] });
  closeSync(log);
  const started = new Promise<UpCluster>((resolve, reject) => {
    child.on("error", reject);
    // One that has said why undoes first what it has begun.
    let refusal: string | undefined;
    child.on("exit", (code, signal) => {
      const ended = `the cluster ended at its start (${signal ?? `exit code ${code}`}); see ${logFile}`;
      reject(new CommandError(refusal ?? ended));
    });
    child.on("message", (message) => {
      if (!isFromPart(message)) return;
      if (message.is === "failed") refusal = message.reason;
      if (message.is !== "ready") return;
      const { server = "", port, context = "", registry = "", said = "" } = message.facts;
      if (said !== "") terminal.out(`${said}\n`);
      const served = registry === "" ? {} : { registry: Number(registry) };
      resolve({ server, port: Number(port), context, ...served });
    });
  });
  const waiting = new Waiting(terminal, clock);
  const cluster = await waiting.during("cluster to start", started);
  child.removeAllListeners();
  child.unref();
  terminal.out(`${announcement(cluster, data)}"${tealCommand()} down${dataFlag(data)}" stops everything.\n`);
  return 0;
}

/** Tells the starter, and then belongs to nobody. */
async function detach(message: object): Promise<void> {
  if (process.send === undefined || !process.connected) return;
  await new Promise<void>((resolve) => process.send?.(message, undefined, {}, () => resolve()));
  process.removeAllListeners("disconnect");
  process.disconnect();
}

function announcement({ server, context, registry }: UpCluster, data: DataFolder): string {
  const teal = tealCommand();
  return [
    `The cluster is up at ${server}`,
    `kubeconfig: ${data.kubeconfig}${context === contextName ? "" : ` (context ${context})`}`,
    ...(registry === undefined ? [] : [`registry: localhost:${registry}, without TLS`]),
    "Try:",
    `  export KUBECONFIG=${data.kubeconfig}`,
    `  kubectl apply -f examples/weather/rollout.yaml    (or: ${teal} apply -f examples/weather/rollout.yaml)`,
    `  ${teal} get rollout rollout-weather-app --watch`,
    "",
  ].join("\n");
}
