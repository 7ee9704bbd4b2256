import { arch, availableParallelism, platform, release, totalmem, type } from "node:os";
import { addressesOf } from "../cluster/addresses.ts";
import { serverVersion } from "../cluster/api-server/http/version.ts";
import { ImageStore } from "../cluster/node/images/image-store.ts";
import { RunLogs } from "../cluster/node/logs/run-log.ts";
import { NodeAgent } from "../cluster/node/node-agent.ts";
import { ProcessDriver } from "../cluster/node/process/process-driver.ts";
import { NodeServer } from "../cluster/node/socket/node-server.ts";
import { longestGraceSeconds } from "../cluster/supervisor/departure.ts";
import type { PartWorld } from "../cluster/supervisor/part.ts";
import type { RunningPart, StopReason } from "../cluster/supervisor/supervised.ts";
import { KubernetesClient } from "../kubernetes/client.ts";
import { transportFor } from "../kubernetes/kubeconfig.ts";
import { addExampleImages } from "./bootstrap/example-images.ts";

const nodeName = "teal";
const hostIp = "127.0.0.1";
// The supervisor is gone, and with it whoever would wait.
const abandonedGraceSeconds = 5;

/** The node agent; its pods are processes that outlive it unless the whole cluster stops. */
export function nodePart({ data, block, addressing, clock, log }: PartWorld): RunningPart {
  const { transport } = transportFor({ kubeconfig: data.kubeconfig, clock });
  const client = new KubernetesClient(transport, "kubelet");
  const images = new ImageStore(data.path);
  const logs = new RunLogs(clock);
  const driver = new ProcessDriver({
    dataFolder: data.path,
    addresses: addressesOf(block),
    addressing: addressing === "single" ? "shared" : "own",
    clock,
    client,
    images,
    hostIp,
    logs,
    onProblem: log,
  });
  const agent = new NodeAgent({
    client,
    clock,
    driver,
    node: { name: nodeName, address: hostIp, version: serverVersion, machine: thisMachine() },
    onProblem: log,
  });
  const server = new NodeServer({
    dataFolder: data.path,
    logs,
    clock,
    driver,
    podWith: (uid) => agent.podWith(uid),
    usage: () => agent.usage(),
    networkOf: (uid) => agent.networkOf(uid),
    onProblem: log,
  });
  let isStarted = false;
  const start = async (): Promise<Readonly<Record<string, string>>> => {
    await addExampleImages(images);
    await agent.start();
    await server.start();
    isStarted = true;
    return {};
  };
  return {
    ready: start(),
    async stop(reason: StopReason) {
      const keepsPods = reason === "terminated";
      const mostGraceSeconds = reason === "asked" ? longestGraceSeconds : abandonedGraceSeconds;
      await agent.stop(keepsPods ? { pods: "keep" } : { pods: "stop", mostGraceSeconds });
      // What an earlier agent left and this one had no time to take over.
      if (!keepsPods && !isStarted) await driver.removeAllBut(new Set());
      await server.close();
      transport.close();
    },
  };
}

function thisMachine() {
  const architectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
  return {
    architecture: architectures[arch()] ?? arch(),
    operatingSystem: platform(),
    kernelVersion: release(),
    osImage: type(),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
  };
}
