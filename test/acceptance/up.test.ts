import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { parse } from "yaml";
import { type ClusterRecord, readRecord } from "../../src/cluster/supervisor/cluster-record.ts";
import { dataFolder } from "../../src/cluster/supervisor/data-folder.ts";
import { departure } from "../../src/cluster/supervisor/departure.ts";
import { isRunning, type KnownProcess } from "../../src/cluster/supervisor/known-process.ts";
import { leftoverContainers } from "../../src/cluster/supervisor/leftover-pods.ts";
import { SystemClock } from "../../src/time/system-clock.ts";
import { freePort, isFree, TealProcess, teal } from "./teal-process.ts";

const manifest = join(import.meta.dirname, "../../examples/weather/rollout.yaml");
const folder = mkdtempSync(join(tmpdir(), "teal-up-"));
const data = dataFolder(join(folder, ".teal"));
const clock = new SystemClock();
const patienceSeconds = 30;

afterEach(async () => {
  await teal(folder, "down");
});
after(() => rmSync(folder, { recursive: true }));

function record(): ClusterRecord {
  const found = readRecord(data.record);
  assert.ok(found !== undefined, "there is no cluster.json");
  return found;
}

function processes(): readonly KnownProcess[] {
  const { supervisor, parts } = record();
  assert.ok(supervisor !== undefined);
  return [supervisor, ...Object.values(parts)];
}

async function allGone(all: readonly KnownProcess[]): Promise<void> {
  assert.deepEqual(await departure(all, patienceSeconds, clock), []);
}

async function deployWeather(): Promise<void> {
  const applied = await teal(folder, "apply", "-f", manifest);
  assert.equal(applied.code, 0, applied.error);
  const status = await teal(folder, "status", "rollout-weather-app", "--timeout", "60s");
  assert.equal(status.code, 0, status.error);
}

describe("teal up", () => {
  it("starts every part, says where the cluster is, and stops everything at Ctrl-C", async () => {
    const port = await freePort();
    const up = new TealProcess(["up", "--port", String(port), "--kubeconfig", "mine"], folder);
    await up.shown(/Ctrl-C stops everything/);
    assert.match(up.output, new RegExp(`The cluster is up at https://127.0.0.1:${port}`));
    assert.match(up.output, new RegExp(`kubeconfig: ${data.kubeconfig}`));
    assert.equal(readFileSync(join(folder, "mine"), "utf8"), readFileSync(data.kubeconfig, "utf8"));
    const all = processes();
    assert.deepEqual(Object.keys(record().parts).toSorted(), ["api-server", "controller", "node", "traffic"]);
    assert.ok(all.every(isRunning));
    assert.equal(record().supervisor?.pid, up.child.pid, "nothing stands between bin/teal and the program");
    await deployWeather();
    const containers = leftoverContainers(data);
    assert.equal(containers.length, 2);
    const { code } = await up.interrupt();
    assert.equal(code, 0);
    assert.deepEqual([...all, ...containers].filter(isRunning), []);
    assert.ok(await isFree(port));
  });

  it("brings back a part that is killed, and says why it had to", async () => {
    const up = new TealProcess(["up"], folder);
    await up.shown(/Ctrl-C stops everything/);
    for (const name of ["api-server", "node", "traffic", "controller"]) {
      const before = record().parts[name];
      assert.ok(before !== undefined);
      const from = up.output.length;
      process.kill(before.pid, "SIGKILL");
      await up.shown(
        new RegExp(`${name} ended: killed by SIGKILL.* It starts again in .*${name}\\.log`),
        from,
      );
      await up.shown(new RegExp(`${name} is ready again`), from);
    }
    await deployWeather();
    assert.equal((await up.interrupt()).code, 0);
  });

  it("refuses a folder in which a cluster is up, and a port that is taken", async () => {
    const started = await teal(folder, "up", "--background");
    assert.equal(started.code, 0, started.error);
    const second = await teal(folder, "up");
    assert.equal(second.code, 1);
    assert.match(second.error, /a cluster is up in .* already \(process \d+\): stop it with ".*teal down/);
    const { port } = record();
    const other = await teal(folder, "up", "--data", "other", "--port", String(port));
    assert.equal(other.code, 1);
    assert.match(other.error, new RegExp(`port ${port} on 127.0.0.1 is taken: .*--port`));
    const third = await teal(folder, "up", "--background", "--data", "new/third", "--port", String(port));
    assert.match(third.error, new RegExp(`port ${port} on 127.0.0.1 is taken: .*--port`));
    for (const refused of ["other", "new"]) assert.ok(!existsSync(join(folder, refused)), refused);
    assert.ok(processes().every(isRunning));
  });

  it("leaves nothing running when it is killed, and goes on from there the next time", async () => {
    await teal(folder, "up", "--background");
    await deployWeather();
    const all = [...processes(), ...leftoverContainers(data)];
    const { supervisor } = record();
    assert.ok(supervisor !== undefined);
    process.kill(supervisor.pid, "SIGKILL");
    await allGone(all);
    const again = await teal(folder, "up", "--background");
    assert.equal(again.code, 0, again.error);
    await deployWeather();
  });

  it("takes over or ends the pods of a cluster of which every process was killed", async () => {
    await teal(folder, "up", "--background");
    await deployWeather();
    const containers = leftoverContainers(data);
    // Stopped first, so that none of them sees another one die.
    for (const { pid } of processes()) process.kill(pid, "SIGSTOP");
    for (const { pid } of processes()) process.kill(pid, "SIGKILL");
    assert.ok(containers.length === 2 && containers.every(isRunning));
    const again = await teal(folder, "up", "--background");
    assert.equal(again.code, 0, again.error);
    await deployWeather();
    assert.deepEqual(leftoverContainers(data).length, 2);
    for (const { pid } of processes()) process.kill(pid, "SIGSTOP");
    for (const { pid } of processes()) process.kill(pid, "SIGKILL");
    const down = await teal(folder, "down");
    assert.equal(down.code, 0, down.error);
    assert.match(down.out, /is stopped/);
    assert.deepEqual(leftoverContainers(data), []);
  });
});

describe("several clusters in one kubeconfig", () => {
  const file = join(folder, "shared");
  const names = (): unknown => {
    const config = parse(readFileSync(file, "utf8"));
    return [config["current-context"], ...config.contexts.map(({ name }: { name: string }) => name)];
  };
  after(async () => {
    await teal(folder, "down", "--data", "second");
  });

  it("have names of their own, and are gone from there when they are stopped", async () => {
    writeFileSync(
      file,
      "kind: Config\nclusters: [{name: work, cluster: {server: x}}]\ncontexts: [{name: work}]\n",
    );
    const upWith = (...flags: readonly string[]): ReturnType<typeof teal> =>
      teal(folder, "up", "--background", "--kubeconfig", file, ...flags);
    const [first, second, third] = [await freePort(), await freePort(), await freePort()].map(String);
    assert.equal((await upWith("--port", String(first))).code, 0);
    assert.deepEqual(names(), ["teal", "work", "teal"]);
    const named = await upWith("--port", String(third), "--data", "third", "--name", "work");
    assert.equal(named.code, 1);
    assert.match(named.error, /shared has another cluster named "work", at x: .*--name/);
    const started = await upWith("--port", String(second), "--data", "second");
    assert.equal(started.code, 0, started.error);
    assert.match(started.out, /second\/kubeconfig \(context teal-second\)/);
    assert.deepEqual(names(), ["teal-second", "work", "teal", "teal-second"]);
    await teal(folder, "down");
    assert.deepEqual(names(), ["teal-second", "work", "teal-second"]);
    // A supervisor that was killed cannot do it; `down` does it then.
    const { supervisor } = readRecord(join(folder, "second/cluster.json")) ?? {};
    assert.ok(supervisor !== undefined);
    process.kill(supervisor.pid, "SIGKILL");
    await allGone([supervisor]);
    assert.deepEqual(names(), ["teal-second", "work", "teal-second"]);
    await teal(folder, "down", "--data", "second");
    assert.deepEqual(names(), [undefined, "work"]);
  });
});

describe("teal cluster status", () => {
  it("says whether the cluster is up, and how its parts are", async () => {
    const none = await teal(folder, "cluster", "status", "--data", "nowhere");
    assert.equal(none.code, 1);
    assert.match(none.out, /^No cluster is up in .*nowhere\. ".*teal up --data .*nowhere" starts one\.\n$/);
    assert.ok(!existsSync(join(folder, "nowhere")));
    await teal(folder, "up", "--background");
    const { code, out } = await teal(folder, "cluster", "status");
    assert.equal(code, 0, out);
    assert.match(out, new RegExp(`^The cluster is up at ${record().server}, started \\d+s ago\n`));
    assert.match(out, /\n1 node, \d+ pods\n/);
    const ask = async (): Promise<{
      code: number | null;
      up: boolean;
      node: Partial<Record<string, unknown>>;
    }> => {
      const answer = await teal(folder, "cluster", "status", "--output", "json");
      const { up, parts } = JSON.parse(answer.out);
      return { code: answer.code, up, node: parts.find(({ name }: { name: string }) => name === "node") };
    };
    const before = record().parts["node"];
    const { memoryBytes: _, ...node } = (await ask()).node;
    assert.deepEqual(node, { name: "node", state: "ready", pid: before?.pid, restarts: 0 });
    const server = record().parts["api-server"];
    assert.ok(before !== undefined && server !== undefined);
    process.kill(server.pid, "SIGSTOP");
    const stuck = await teal(folder, "cluster", "status", "--request-timeout", "200ms");
    process.kill(server.pid, "SIGCONT");
    assert.equal(stuck.code, 1);
    assert.match(stuck.out, /^The cluster is not whole at .*\nAPI server: no answer .* within 0\.2 s/s);
    process.kill(before.pid, "SIGKILL");
    await allGone([before]);
    let after = await ask();
    while (after.node["state"] !== "ready" || after.node["restarts"] === 0) {
      assert.equal(after.code, after.up ? 0 : 1);
      after = await ask();
    }
    assert.equal(after.node["restarts"], 1);
    assert.notEqual(after.node["pid"], before.pid);
  });
});

describe("a cluster that is up again", () => {
  it("keeps who may do what, and its registry, until it is told otherwise", async () => {
    const [port, registry] = [await freePort(), await freePort()];
    const upAgain = async (...more: readonly string[]) => {
      const up = await teal(folder, "up", "--port", String(port), "--background", ...more);
      assert.equal(up.code, 0, up.error);
      const { authorization } = record();
      const answer = await fetch(`http://127.0.0.1:${registry}/v2/`).catch(() => undefined);
      const down = await teal(folder, "down");
      assert.equal(down.code, 0, down.error);
      return { said: up.out, authorization, hasRegistry: answer?.ok === true };
    };
    const first = await upAgain("--authorization", "rbac", "--registry", String(registry));
    assert.deepEqual([first.authorization, first.hasRegistry], ["rbac", true]);
    const again = await upAgain();
    assert.deepEqual([again.authorization, again.hasRegistry], ["rbac", true]);
    assert.match(again.said, /roles say who may do what, as before/);
    assert.match(again.said, new RegExp(`the registry is on port ${registry}, as before`));
    const without = await upAgain("--authorization", "everybody", "--registry", "none");
    assert.deepEqual([without.authorization, without.hasRegistry], ["everybody", false]);
    const last = await upAgain();
    assert.deepEqual([last.authorization, last.hasRegistry], ["everybody", false]);
  });
});

describe("teal down", () => {
  it("stops a cluster in the background, and says so when there is none", async () => {
    await teal(folder, "up", "--background");
    const all = processes();
    const stopped = await teal(folder, "down");
    assert.deepEqual([stopped.code, stopped.out], [0, `The cluster in ${data.path} is stopped.\n`]);
    assert.deepEqual(all.filter(isRunning), []);
    const again = await teal(folder, "down");
    assert.deepEqual([again.code, again.out], [0, `No cluster is up in ${data.path}.\n`]);
  });

  it("leaves a process alone that has only the pid of a supervisor", async () => {
    await teal(folder, "up", "--background");
    await teal(folder, "down");
    const stranger = { pid: process.pid, identity: "another boot/1" };
    mkdirSync(data.lock, { recursive: true });
    writeFileSync(join(data.lock, "holder.json"), JSON.stringify(stranger));
    writeFileSync(
      data.record,
      JSON.stringify({ ...record(), supervisor: stranger, parts: { node: stranger } }),
    );
    const down = await teal(folder, "down");
    assert.deepEqual([down.code, down.out], [0, `No cluster is up in ${data.path}.\n`]);
    const up = await teal(folder, "up", "--background");
    assert.equal(up.code, 0, up.error);
  });
});
