import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addressesOf } from "../../src/cluster/addresses.ts";
import { ApiServer } from "../../src/cluster/api-server/api-server.ts";
import { start } from "../../src/cluster/api-server/http/http-server.ts";
import { writeKubeconfig } from "../../src/cluster/api-server/http/kubeconfig.ts";
import { accessOf, loadPki } from "../../src/cluster/api-server/http/pki.ts";
import { NodeAgent } from "../../src/cluster/node/node-agent.ts";
import { SimulatedDriver } from "../../src/cluster/node/simulated-driver.ts";
import { Store } from "../../src/cluster/store/store.ts";
import { startWorkloads } from "../../src/cluster/workloads/workloads.ts";
import { KubernetesClient } from "../../src/kubernetes/client.ts";
import { publishApiServer } from "../../src/parts/bootstrap/publish-api-server.ts";
import { SystemClock } from "../../src/time/system-clock.ts";
import type { Target } from "./play.ts";

export interface EmbeddedCluster extends Target {
  stop(): Promise<void>;
}

const machine = {
  architecture: "amd64",
  operatingSystem: "linux",
  kernelVersion: "6.0",
  osImage: "simulated",
  cpus: 32,
  memoryBytes: 2 ** 38,
};

/** The embedded cluster in this process, over HTTPS, with pods that are played as those of the recorded cluster were. */
export async function startEmbeddedCluster(onProblem: (problem: string) => void): Promise<EmbeddedCluster> {
  const folder = await mkdtemp(join(tmpdir(), "teal-comparison-"));
  const clock = new SystemClock();
  const addresses = addressesOf(194);
  const pki = await loadPki(folder, clock.now());
  const apiServer = new ApiServer({ store: new Store(), clock, addresses, access: accessOf(pki, "rbac") });
  const http = await start({ apiServer, pki, clock, port: 0, onProblem });
  await publishApiServer(new KubernetesClient(apiServer, "teal"), http.port);
  const workloads = await startWorkloads({
    apiServer,
    clock,
    onProblem,
    certificateAuthority: pki.authority,
  });
  const driver = new SimulatedDriver({ clock, addresses });
  const node = new NodeAgent({
    client: new KubernetesClient(apiServer, "kubelet"),
    clock,
    driver,
    node: { name: "sim-0", address: "192.168.0.1", version: "v1.34.0-sim", machine },
    onProblem,
  });
  await node.start();
  const kubeconfig = join(folder, "kubeconfig");
  await writeKubeconfig(kubeconfig, http.url, pki);
  return {
    kubeconfig,
    firstObjects: ["serviceaccount/default", "configmap/kube-root-ca.crt"],
    async stop() {
      await node.stop({ pods: "keep" });
      driver.end();
      await workloads.stop();
      await http.close();
      await rm(folder, { recursive: true });
    },
  };
}
