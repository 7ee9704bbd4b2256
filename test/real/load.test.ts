import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pass } from "node:timers/promises";
import type { KubernetesObject, Service } from "../../src/api/core.ts";
import { resources } from "../../src/api/resources.ts";
import { Cell, Laboratory } from "./bed/cell.ts";
import { noFault } from "./bed/faults.ts";
import { answerOf, Load } from "./bed/load.ts";
import { activeService } from "./bed/manifests.ts";
import { realCluster } from "./bed/real-cluster.ts";

type LiveChanges = ReturnType<Cell["room"]["liveChanges"]>;

interface Node extends KubernetesObject {
  readonly status?: {
    readonly nodeInfo?: { readonly containerRuntimeVersion?: string };
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
  };
}

/** Requests to each address between two acts, and after each. */
const requests = 100;
const routingSeconds = 10;

// Needs nodes that run pods, an image with Node (TEAL_REAL_IMAGE, node:24 unless set), and a machine from which the
// Service can be reached: at its cluster IP, its node port or its load balancer, whichever answers.
test("no request is lost through releases, ways back and resizing", async (context) => {
  const { client } = await realCluster();
  const { items: nodes } = await client.list<Node>(resources.nodes);
  const runsPods = nodes.some(({ status }) => status?.nodeInfo?.containerRuntimeVersion);
  if (!runsPods) return context.skip("the cluster has no node that runs pods");
  const laboratory = await Laboratory.open();
  const setting = {
    activeService: { type: "LoadBalancer" },
    strategy: { scaleDownDelaySeconds: 3, abortScaleDownDelaySeconds: 3 },
  };
  const cell = await Cell.open(laboratory, "load", setting, noFault);
  const loads: Load[] = [];
  try {
    await cell.running("v1");
    for (const address of await reachable(cell, nodes))
      loads.push(new Load(address, false), new Load(address, true));
    for (const load of loads) load.start();
    await releases(cell, () => Promise.all(loads.map((load) => load.more(requests))));
  } finally {
    await Promise.all(loads.map((load) => load.stop()));
    const changes = cell.room.liveChanges();
    process.stdout.write(`${loads.map((load) => figures(load, changes)).join("\n")}\n`);
    await cell.close();
    await laboratory.close();
  }
  for (const { name, failures } of loads) assert.deepEqual(failures, [], `lost at ${name}`);
});

async function releases(cell: Cell, moreRequests: () => Promise<unknown>): Promise<void> {
  const healthy = (version: string) => ({
    phase: "Healthy",
    active: version,
    live: version,
    stable: version,
  });
  const step = async (name: string, act: () => Promise<void>): Promise<void> => {
    await act().catch((cause: unknown) => {
      throw new Error(`in "${name}": ${String(cause)}\n${cell.report()}`, { cause });
    });
    await moreRequests();
  };
  const preview = async (version: string): Promise<void> => {
    await cell.deploy(version);
    await cell.until({ phase: "Paused", reason: "BlueGreenPause", preview: version });
  };

  await step("nothing happens", async () => {});
  await step("a preview", () => preview("v2"));
  await step("promote", async () => {
    await cell.promote("v2");
    await cell.until(healthy("v2"));
  });
  await step("the old version goes", () =>
    cell.when(({ sizes, pods }) => sizes["v1"] === 0 && pods === 2, "expected v1's pods to be gone"),
  );
  await step("promote, and undo at once", async () => {
    await preview("v3");
    await cell.promote("v3");
    await cell.until(healthy("v3"));
    await cell.deploy("v2");
    await cell.until(healthy("v2"));
  });
  await step("abort after the switch", async () => {
    await preview("v4");
    cell.holdConfirmation();
    await cell.promote("v4");
    await cell.until({ active: "v4" });
    await moreRequests();
    await cell.abort();
    await cell.until({ active: "v2" });
    cell.proxy.release();
    await cell.until({ phase: "Degraded", active: "v2", live: "v2" });
  });
  await step("the aborted version goes", () =>
    cell.when(({ sizes }) => sizes["v4"] === 0, "expected v4 to be scaled down"),
  );
  await step("more pods", async () => {
    await cell.change({ replicas: 4 });
    await cell.when(({ available }) => available["v2"] === 4, "expected 4 pods of v2");
  });
  await step("fewer pods", async () => {
    await cell.change({ replicas: 1 });
    await cell.when(({ available }) => available["v2"] === 1, "expected 1 pod of v2");
  });
  await step("the controller is killed in the switch", async () => {
    await cell.change({ replicas: 2 });
    await preview("v5");
    const killed = cell.killedAtWrite(1);
    await cell.promote("v5");
    await killed;
    await cell.until(healthy("v5"));
  });
  await step("the last old version goes", () =>
    cell.when(({ sizes, pods }) => sizes["v2"] === 0 && pods === 2, "expected v2's pods to be gone"),
  );
  assert.deepEqual(cell.room.violations(), []);
}

/** Where the active Service answers from here; a machine outside of the cluster often has no way to some of them. */
async function reachable(cell: Cell, nodes: readonly Node[]): Promise<readonly string[]> {
  const service = await cell.service(activeService);
  const [port] = service.spec.ports ?? [];
  const nodeAddresses = nodes.flatMap(({ status }) =>
    (status?.addresses ?? []).filter(({ type }) => type === "InternalIP"),
  );
  const candidates = [
    `${service.spec.clusterIP}:${port?.port}`,
    ...nodeAddresses.slice(0, 1).map(({ address }) => `${address}:${port?.nodePort}`),
    ...balancers(service).map((address) => `${address}:${port?.port}`),
  ];
  const answering = await Promise.all(candidates.map(answersSoon));
  const found = candidates.filter((_, index) => answering[index]);
  assert.notDeepEqual(found, [], `the Service answers at none of ${candidates.join(", ")}`);
  return found;
}

/** Nodes learn of a new Service a moment after it has endpoints. */
async function answersSoon(address: string): Promise<boolean> {
  for (const deadline = Date.now() + routingSeconds * 1000; Date.now() < deadline; await pass(100)) {
    const answer = await answerOf(new URL(`http://${address}/`), "GET").catch(() => undefined);
    if (answer !== undefined) return true;
  }
  return false;
}

function balancers({ status }: Service): readonly string[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip ?? hostname ?? []);
}

function figures({ name, answers, failures }: Load, changes: LiveChanges): string {
  const times = answers.map(({ milliseconds }) => milliseconds).toSorted((a, b) => a - b);
  const at = (share: number): number => times[Math.floor((times.length - 1) * share)] ?? 0;
  const late = answers.map((answer) => lateness(answer, changes)).filter((milliseconds) => milliseconds > 0);
  return [
    `${name}: ${answers.length} answered, ${failures.length} lost`,
    `median ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`,
    `${late.length} answered by the former version after the status called another one live, the last ${Math.max(0, ...late)} ms after`,
  ].join("; ");
}

/** How long after the status called the next version live a request began that this one still answered; 0 if it did not. */
function lateness({ startedAt, version }: Load["answers"][number], changes: LiveChanges): number {
  const current = changes.findLastIndex(({ at }) => at <= startedAt);
  const isOld = version === changes[current - 1]?.version;
  return isOld ? startedAt - (changes[current]?.at ?? startedAt) : 0;
}
