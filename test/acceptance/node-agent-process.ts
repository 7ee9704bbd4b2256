import { addressesOf } from "../../src/cluster/addresses.ts";
import { ImageStore } from "../../src/cluster/node/images/image-store.ts";
import type { RunLogs } from "../../src/cluster/node/logs/run-log.ts";
import { NodeAgent } from "../../src/cluster/node/node-agent.ts";
import { ProcessDriver } from "../../src/cluster/node/process/process-driver.ts";
import { KubernetesClient } from "../../src/kubernetes/client.ts";
import { HttpTransport } from "../../src/kubernetes/http-transport.ts";
import type { Transport } from "../../src/kubernetes/transport.ts";
import { SystemClock } from "../../src/time/system-clock.ts";

/** A node agent with real processes, for the test beside this file, which also runs it as a program to be killed. */
export function processAgent(
  transport: Transport,
  dataFolder: string,
  /** Of its addresses, 127.`block`. */
  block: number,
  options: {
    readonly addressing?: "own" | "shared";
    readonly logs?: RunLogs;
    readonly roots?: "none";
    readonly onProblem?: (text: string) => void;
  } = {},
): NodeAgent {
  const clock = new SystemClock();
  const client = new KubernetesClient(transport);
  const { onProblem = console.error, ...others } = options;
  const driver = new ProcessDriver({
    dataFolder,
    addresses: addressesOf(block),
    clock,
    client,
    images: new ImageStore(dataFolder),
    hostIp: "127.0.0.1",
    onProblem,
    ...others,
  });
  const machine = {
    architecture: "amd64",
    operatingSystem: "linux",
    kernelVersion: "",
    osImage: "",
    cpus: 1,
    memoryBytes: 2 ** 33,
  };
  const node = { name: "teal", address: "127.0.0.1", version: "v1.34.4", machine };
  return new NodeAgent({ client, clock, driver, node, onProblem });
}

const [, program, server, dataFolder, block] = process.argv;
if (program === import.meta.filename && server !== undefined && dataFolder !== undefined) {
  await processAgent(new HttpTransport({ server }), dataFolder, Number(block)).start();
  process.send?.("started");
}
