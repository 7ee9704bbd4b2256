import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Condition, KubernetesObject, Pod, PodSpec } from "../../api/core.ts";
import { resources } from "../../api/resources.ts";
import { KubernetesClient } from "../../kubernetes/client.ts";
import { ManualClock } from "../../time/manual-clock.ts";
import { NodeAgent } from "./node-agent.ts";
import type { PodDriver } from "./pod-driver.ts";
import type { BehaviourRule } from "./simulated-behaviour.ts";
import { SimulatedDriver } from "./simulated-driver.ts";
import { PodApi } from "./testing/pod-api.ts";

const machine = {
  architecture: "amd64",
  operatingSystem: "linux",
  kernelVersion: "6.0",
  osImage: "Linux",
  cpus: 2,
  memoryBytes: 1024 ** 3,
};
const node = { name: "teal", address: "127.0.0.1", version: "v1.34.4", machine };

async function cluster(...behaviours: BehaviourRule[]) {
  const clock = new ManualClock();
  const api = new PodApi(clock);
  const client = new KubernetesClient(api);
  const driver: SimulatedDriver & PodDriver = new SimulatedDriver({ clock, behaviours });
  const problems: string[] = [];
  const agentOf = () =>
    new NodeAgent({ client, clock, driver, node, onProblem: (text) => problems.push(text) });
  const agent = agentOf();
  const started = agent.start();
  await clock.settle();
  await started;
  const pod = (name = "web") => api.all<Pod>("pods").find(({ metadata }) => metadata.name === name);
  const writesTo = (part: string) => api.writes.filter((write) => write.includes(part));
  const create = (name = "web", spec: Partial<PodSpec> = {}) =>
    client.create(resources.pods, "default", podOf(name, spec));
  return { clock, api, client, driver, agent, agentOf, problems, pod, writesTo, create };
}

function podOf(name: string, spec: Partial<PodSpec>): KubernetesObject {
  const whole = { containers: [{ name: "web", image: "web:1" }], restartPolicy: "Always", ...spec };
  const pod: Pod = { apiVersion: "v1", kind: "Pod", metadata: { name }, spec: whole };
  return pod;
}

const keep = { pods: "keep" } as const;

describe("the node agent", () => {
  it("registers a Ready node and renews it seldom", async () => {
    const { clock, api, agent, writesTo } = await cluster();
    const [registered] = api.all<KubernetesObject & { status: { conditions: Condition[] } }>("nodes");
    const ready = registered?.status.conditions.find(({ type }) => type === "Ready");
    assert.equal(ready?.status, "True");
    const before = writesTo("nodes").length;
    await clock.advance(600);
    assert.equal(writesTo("nodes").length - before, 2);
    await agent.stop(keep);
    assert.equal(clock.pending, 0);
  });

  it("places a pod, runs it and reports it ready in one status write", async () => {
    const { clock, agent, create, pod, api, writesTo } = await cluster();
    await create();
    await clock.settle();
    assert.equal(pod()?.spec.nodeName, "teal");
    assert.equal(pod()?.status?.phase, "Running");
    assert.equal(pod()?.status?.containerStatuses?.[0]?.ready, true);
    assert.equal(pod()?.status?.podIP, "127.1.0.2");
    assert.equal(writesTo("pods/web/status").length, 1);
    const reasons = api.all<KubernetesObject & { reason: string }>("events").map(({ reason }) => reason);
    assert.deepEqual(reasons, ["Scheduled", "Pulled", "Created", "Started"]);
    await agent.stop(keep);
  });

  it("gives every pod its time to end, whatever its neighbours do", async () => {
    const { clock, driver, agent, create, problems } = await cluster({
      pod: "good",
      terminateAfterSeconds: 3,
    });
    const start = driver.start.bind(driver);
    const exits: string[] = [];
    driver.start = async (key, run) => {
      const { name } = key.pod.metadata;
      if (name === "refused") throw new TypeError("no such luck");
      const running = await start(key, run);
      if (name === "stuck")
        return { id: running.id, startedAt: running.startedAt, exited: new Promise(() => {}), signal() {} };
      if (name === "lost")
        return {
          id: running.id,
          startedAt: running.startedAt,
          exited: new Promise(() => {}),
          signal() {
            throw new TypeError("who?");
          },
        };
      void running.exited.then(({ exitCode }) => exits.push(`${name} ${exitCode}`));
      return running;
    };
    for (const name of ["refused", "stuck", "lost", "good"]) await create(name);
    await clock.advance(2);
    const stopped = agent.stop({ pods: "stop", mostGraceSeconds: 5 });
    await clock.advance(20);
    await stopped;
    assert.deepEqual(exits, ["good 0"]);
    assert.equal(problems.filter((text) => text.includes("pod default/stuck")).length, 1);
    assert.ok(problems.some((text) => text.includes("pod default/lost")));
    assert.equal(clock.pending, 0);
  });

  it("deletes a pod of which nothing works", async () => {
    const { clock, driver, agent, create, pod, client, problems } = await cluster();
    driver.start = () => Promise.reject(new TypeError("no such luck"));
    let removals = 0;
    const remove = driver.remove.bind(driver);
    driver.remove = async (uid) => {
      removals += 1;
      if (removals < 3) throw new Error("busy");
      return remove(uid);
    };
    await create();
    await clock.advance(1);
    assert.match(pod()?.status?.containerStatuses?.[0]?.state?.waiting?.message ?? "", /no such luck/);
    await client.delete(resources.pods, "default", "web");
    await clock.advance(20);
    assert.equal(pod(), undefined);
    assert.equal(removals, 3);
    assert.deepEqual(problems, ["pod default/web is gone but has left something: busy"]);
    await agent.stop(keep);
  });

  it("leaves pods unplaced while it is cordoned, says so once, and places them after that", async () => {
    const { clock, api, agent, create, pod, client } = await cluster();
    const cordon = (unschedulable: boolean) =>
      client.patch(resources.nodes, undefined, "teal", { type: "merge", body: { spec: { unschedulable } } });
    await cordon(true);
    await clock.settle();
    await create();
    await clock.advance(60);
    assert.equal(pod()?.spec.nodeName, undefined);
    const scheduled = () => pod()?.status?.conditions?.find(({ type }) => type === "PodScheduled");
    assert.deepEqual([scheduled()?.status, scheduled()?.reason], ["False", "Unschedulable"]);
    const told = api
      .all<KubernetesObject & { reason: string; count: number }>("events")
      .map(({ reason, count }) => [reason, count]);
    assert.deepEqual(told, [["FailedScheduling", 1]]);
    await cordon(false);
    await clock.advance(1);
    assert.equal(pod()?.status?.phase, "Running");
    assert.deepEqual([scheduled()?.status, scheduled()?.reason], ["True", undefined]);
    await agent.stop(keep);
    assert.equal(clock.pending, 0);
  });

  it("gives a port of the host to one pod, and to the next when that one is gone", async () => {
    const { clock, agent, create, pod, client } = await cluster();
    const ports = [{ containerPort: 80, hostPort: 8080 }];
    const spec: Partial<PodSpec> = { containers: [{ name: "web", image: "web:1", ports }] };
    await Promise.all([create("first", spec), create("second", spec)]);
    await clock.advance(60);
    assert.equal(pod("first")?.status?.phase, "Running");
    assert.equal(pod("second")?.spec.nodeName, undefined);
    await client.delete(resources.pods, "default", "first");
    await clock.advance(60);
    assert.equal(pod("second")?.status?.phase, "Running");
    await agent.stop(keep);
  });

  it("says once in a pod's life what of its manifest does not happen here", async () => {
    const { clock, api, driver, agent, agentOf, create } = await cluster();
    driver.remarksOn = () => [{ reason: "IgnoredFields", message: "volumes are not there" }];
    await create();
    await clock.advance(1);
    await agent.stop(keep);
    const next = agentOf();
    const started = next.start();
    await clock.settle();
    await started;
    await clock.advance(10);
    const remarks = api
      .all<KubernetesObject & { reason: string; type: string; count: number; message: string }>("events")
      .filter(({ reason }) => reason === "IgnoredFields");
    assert.deepEqual(
      remarks.map(({ type, message, count }) => [type, message, count]),
      [["Warning", "volumes are not there", 1]],
    );
    await next.stop(keep);
  });

  it("writes nothing while nothing happens", async () => {
    const { clock, agent, create, api } = await cluster();
    await create();
    await clock.advance(1);
    const before = api.writes.length;
    await clock.advance(200);
    assert.equal(api.writes.length, before);
    await agent.stop(keep);
  });

  it("shows a pod that takes long to start as being created", async () => {
    const { clock, agent, create, pod } = await cluster({ startAfterSeconds: 5 });
    await create();
    await clock.advance(1);
    assert.equal(pod()?.status?.containerStatuses?.[0]?.state?.waiting?.reason, "ContainerCreating");
    await clock.advance(5);
    assert.equal(pod()?.status?.phase, "Running");
    await agent.stop(keep);
  });

  it("ends a deleted pod gracefully and then deletes its object", async () => {
    const { clock, client, agent, create, pod } = await cluster({ terminateAfterSeconds: 3 });
    await create();
    await clock.settle();
    await client.delete(resources.pods, "default", "web");
    await clock.advance(2.9);
    assert.equal(pod()?.status?.containerStatuses?.[0]?.ready, true);
    await clock.advance(0.2);
    assert.equal(pod(), undefined);
    await agent.stop(keep);
    assert.equal(clock.pending, 0);
  });

  it("ends a pod whose object was taken away, and starts its successor of the same name", async () => {
    const { clock, client, agent, create, pod } = await cluster();
    await create();
    await clock.settle();
    const uid = pod()?.metadata.uid;
    await client.delete(resources.pods, "default", "web", { gracePeriodSeconds: 0 });
    await create();
    await clock.settle();
    assert.notEqual(pod()?.metadata.uid, uid);
    assert.equal(pod()?.status?.phase, "Running");
    await agent.stop(keep);
  });

  it("leaves pods of other nodes alone", async () => {
    const { clock, agent, create, pod } = await cluster();
    await create("foreign", { nodeName: "elsewhere" });
    await clock.advance(5);
    assert.equal(pod("foreign")?.status?.containerStatuses, undefined);
    await agent.stop(keep);
  });

  it("keeps conditions of others", async () => {
    const { clock, client, agent, create, pod } = await cluster({ readyAfterSeconds: 5 });
    await create();
    await clock.advance(1);
    const body = { status: { conditions: [{ type: "example.com/mine", status: "True" }] } };
    await client.patch(resources.pods, "default", "web", { type: "strategic", body, subresource: "status" });
    await clock.advance(5);
    const types = pod()?.status?.conditions?.map(({ type, status }) => `${type} ${status}`) ?? [];
    assert.ok(types.includes("example.com/mine True"));
    assert.ok(types.includes("Ready True"));
    const ready = pod()?.status?.conditions?.find(({ type }) => type === "Ready");
    assert.equal(ready?.reason, undefined);
    await agent.stop(keep);
  });

  it("brings the newest status home when the API server comes back", async () => {
    const { clock, api, agent, create, pod, problems } = await cluster({ readyAfterSeconds: 5 });
    await create();
    await clock.advance(1);
    api.refuseWith = 503;
    await clock.advance(10);
    assert.equal(pod()?.status?.containerStatuses?.[0]?.ready, false);
    api.refuseWith = undefined;
    await clock.advance(16);
    assert.equal(pod()?.status?.containerStatuses?.[0]?.ready, true);
    assert.deepEqual(problems, []);
    await agent.stop(keep);
  });

  it("registers the node and places pods later when the API server refuses at first", async () => {
    const { clock, api, agent, create, pod } = await cluster();
    await create();
    api.refuseWith = 503;
    await clock.advance(3);
    api.refuseWith = undefined;
    await clock.advance(3);
    assert.equal(pod()?.status?.phase, "Running");
    await agent.stop(keep);
  });

  it("counts repeated events instead of writing them anew", async () => {
    const { clock, api, agent, create } = await cluster({ crashAfterSeconds: 1 });
    await create();
    await clock.advance(100);
    const started = api
      .all<KubernetesObject & { reason: string; count: number }>("events")
      .filter(({ reason }) => reason === "Started");
    assert.deepEqual(
      started.map(({ count }) => count),
      [5],
    );
    await agent.stop(keep);
    assert.equal(clock.pending, 0);
  });
});

describe("an agent that stops", () => {
  it("lets pods run for its successor, which restarts nothing", async () => {
    const { clock, agent, agentOf, create, pod, api } = await cluster();
    await create();
    await clock.settle();
    await agent.stop(keep);
    assert.equal(clock.pending, 0);
    const before = pod();
    const writes = api.writes.length;
    const next = agentOf();
    const started = next.start();
    await clock.settle();
    await started;
    assert.equal(pod(), before);
    assert.equal(api.writes.length - writes, 1, "only the node's status is written");
    await next.stop(keep);
  });

  it("gives a pod no more time than the pod's own grace period", async () => {
    const { clock, agent, create } = await cluster({ terminateAfterSeconds: 60 });
    await create("short", { terminationGracePeriodSeconds: 3 });
    await clock.settle();
    let hasStopped = false;
    const stopped = agent.stop({ pods: "stop", mostGraceSeconds: 5 }).then(() => {
      hasStopped = true;
    });
    await clock.advance(2.9);
    assert.equal(hasStopped, false);
    await clock.advance(0.2);
    assert.equal(hasStopped, true);
    await stopped;
  });

  for (const [seconds, spec] of [
    [30, {}],
    [90, { terminationGracePeriodSeconds: 90 }],
  ] as const)
    it(`gives a pod its whole grace period: ${seconds} s`, async () => {
      const { clock, agent, create } = await cluster({ terminateAfterSeconds: 300 });
      await create("slow", spec);
      await clock.settle();
      let hasStopped = false;
      const stopped = agent.stop({ pods: "stop", mostGraceSeconds: 600 }).then(() => {
        hasStopped = true;
      });
      await clock.advance(seconds - 0.1);
      assert.equal(hasStopped, false);
      await clock.advance(0.2);
      assert.equal(hasStopped, true);
      await stopped;
    });

  it("ends all pods in parallel when told so, and its successor starts them again", async () => {
    const { clock, agent, agentOf, create, pod } = await cluster({ terminateAfterSeconds: 2 });
    await create("a");
    await create("b");
    await clock.settle();
    const stopped = agent.stop({ pods: "stop", mostGraceSeconds: 5 });
    await clock.advance(2);
    await stopped;
    assert.equal(pod("a")?.status?.containerStatuses?.[0]?.ready, false);
    assert.equal(clock.pending, 0);
    const next = agentOf();
    const started = next.start();
    await clock.settle();
    await started;
    await clock.settle();
    for (const name of ["a", "b"]) {
      assert.equal(pod(name)?.status?.containerStatuses?.[0]?.ready, true);
      assert.equal(pod(name)?.status?.containerStatuses?.[0]?.restartCount, 1);
    }
    await next.stop(keep);
  });
});
