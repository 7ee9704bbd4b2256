import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { blockOf } from "../../src/cluster/addresses.ts";
import { listeners } from "../../src/cluster/node/process/listeners.ts";
import { type ClusterRecord, readRecord } from "../../src/cluster/supervisor/cluster-record.ts";
import { dataFolder } from "../../src/cluster/supervisor/data-folder.ts";
import { isRunning } from "../../src/cluster/supervisor/known-process.ts";
import { leftoverContainers } from "../../src/cluster/supervisor/leftover-pods.ts";
import { freePort, TealProcess, teal } from "./teal-process.ts";

const manifest = join(import.meta.dirname, "../../examples/weather/rollout.yaml");
const folder = mkdtempSync(join(tmpdir(), "teal-parts-"));
const data = dataFolder(join(folder, ".teal"));
const patienceSeconds = 60;
const rows = (text: string) => text.trim().split("\n").slice(1);

function recordOf(file = data.record): ClusterRecord {
  const found = readRecord(file);
  assert.ok(found !== undefined, "there is no cluster.json");
  return found;
}

function pidOf(part: string): number {
  const { pid } = recordOf().parts[part] ?? {};
  assert.ok(pid !== undefined, `${part} runs`);
  return pid;
}

async function deployWeather(where: string): Promise<void> {
  const applied = await teal(where, "apply", "-f", manifest);
  assert.equal(applied.code, 0, applied.error);
  await awaitHealthy(where);
}

async function awaitHealthy(where: string): Promise<void> {
  const status = await teal(where, "status", "rollout-weather-app", "--timeout", `${patienceSeconds}s`);
  assert.equal(status.code, 0, status.error);
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + patienceSeconds * 1000;
  while (!(await holds())) {
    if (Date.now() > deadline) assert.fail(`after ${patienceSeconds} s: not yet ${what}`);
    await sleep(20);
  }
}

/** `ok`, or the code of what went wrong. Over a connection of its own. */
function ask(port: number): Promise<string> {
  return new Promise((resolve) => {
    const asked = request({ host: "127.0.0.1", port, agent: false }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode === 200 ? "ok" : String(answer.statusCode)));
      answer.on("error", (error) => resolve(String(error)));
    });
    asked.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    asked.end();
  });
}

describe("a part of a cluster", { timeout: 300_000 }, () => {
  let up: TealProcess;
  let nodePort: number;

  before(async () => {
    up = new TealProcess(["up", "--port", String(await freePort())], folder);
    await up.shown(/Ctrl-C stops everything/);
    await deployWeather(folder);
    const services = await teal(folder, "get", "svc");
    nodePort = Number(/80:(\d+)/.exec(services.out)?.[1]);
    await until("the Service answers", async () => (await ask(nodePort)) === "ok");
  });
  after(async () => {
    await teal(folder, "down");
    rmSync(folder, { recursive: true });
  });

  it("that carried traffic and was killed leaves every client that it had not yet met to its successor", async () => {
    for (let round = 0; round < 3; round += 1) {
      const pid = pidOf("traffic");
      // Halted, so that none of these clients has been met before the kill.
      process.kill(pid, "SIGSTOP");
      const answers = Array.from({ length: 200 }, () => ask(nodePort));
      await sleep(100);
      process.kill(pid, "SIGKILL");
      answers.push(...Array.from({ length: 200 }, () => ask(nodePort)));
      assert.deepEqual(new Set(await Promise.all(answers)), new Set(["ok"]));
    }
  });

  it("that carries traffic may be killed again and again under load: no client is refused", async () => {
    const results: Promise<{ readonly result: string; readonly isMet: boolean }>[] = [];
    let killedAt = 0;
    const load = setInterval(() => {
      for (let n = 0; n < 3; n += 1) {
        const startedAt = performance.now();
        const waiting = ask(nodePort).then((result) => ({ result, isMet: startedAt < killedAt }));
        results.push(waiting);
      }
    }, 5);
    const pids = new Set<number>();
    for (let round = 0; round < 4; round += 1) {
      await until("traffic has a new process", () => {
        const { pid } = recordOf().parts["traffic"] ?? {};
        return pid !== undefined && !pids.has(pid);
      });
      await sleep(700);
      const pid = pidOf("traffic");
      pids.add(pid);
      killedAt = performance.now();
      process.kill(pid, "SIGKILL");
    }
    await sleep(500);
    clearInterval(load);
    const all = await Promise.all(results);
    assert.ok(all.length > 200);
    assert.deepEqual(
      all.filter(({ result, isMet }) => result !== "ok" && !(isMet && result === "ECONNRESET")),
      [],
    );
  });

  it("may be asked to end, and its clients wait as well", async () => {
    const pid = pidOf("traffic");
    process.kill(pid, "SIGTERM");
    const answers: string[] = [];
    while (recordOf().parts["traffic"]?.pid === pid || answers.length < 50) answers.push(await ask(nodePort));
    assert.deepEqual(new Set(answers), new Set(["ok"]));
  });

  it("that does not answer any more is ended and started again, whichever it is", async () => {
    const names = ["api-server", "node", "traffic", "controller"];
    const before = names.map(pidOf);
    const from = up.output.length;
    for (const pid of before) process.kill(pid, "SIGSTOP");
    const waiting = ask(nodePort);
    for (const name of names)
      await up.shown(new RegExp(`${name} ended: it did not answer for 15 s and was killed`), from);
    assert.equal(await waiting, "ok");
    await until("an API server that answers", async () => (await teal(folder, "get", "nodes")).code === 0);
    await awaitHealthy(folder);
    assert.deepEqual(
      names.filter((name, index) => pidOf(name) === before[index]),
      [],
    );
  });

  it("that cannot be started any more is tried on, is told of once, and all else goes on", async () => {
    const { port, parts } = recordOf();
    const others = Object.entries(parts).filter(([name]) => name !== "api-server");
    const pods = leftoverContainers(data);
    assert.ok(pods.length > 0);
    const from = up.output.length;
    process.kill(pidOf("api-server"), "SIGKILL");
    const thief = await listenAsSoonAsPossible(port);
    const taken = new RegExp(`api-server ended: port ${port} on 127.0.0.1 is taken`);
    await up.shown(taken, from);
    // Long enough for more tries than it takes to give up at the first start.
    await sleep(8000);
    assert.equal(await ask(nodePort), "ok");
    assert.ok([...others.map(([, known]) => known), ...pods].every(isRunning));
    assert.equal(up.output.slice(from).match(new RegExp(taken, "g"))?.length, 1);
    thief.close();
    await until("the API server answers", async () => (await teal(folder, "get", "pods")).code === 0);
    assert.equal(await ask(nodePort), "ok");
  });

  it("is no reason to wait when all is to be stopped", async () => {
    const { port } = recordOf();
    process.kill(pidOf("api-server"), "SIGKILL");
    const thief = await listenAsSoonAsPossible(port);
    await until("the API server waits", () => recordOf().parts["api-server"] === undefined);
    process.kill(pidOf("controller"), "SIGSTOP");
    const down = await teal(folder, "down");
    thief.close();
    assert.equal(down.code, 0, down.error);
    assert.equal((await up.ended()).code, 0);
    assert.deepEqual(leftoverContainers(data), []);
    assert.equal(await ask(nodePort), "ECONNREFUSED");
  });
});

/** Takes a port from a process that is just ending. */
async function listenAsSoonAsPossible(port: number): Promise<Server> {
  for (;;) {
    const server = createServer();
    const listens = await new Promise<boolean>((resolve) => {
      server.on("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (listens) return server;
  }
}

describe("two clusters on one machine", { timeout: 300_000, skip: process.platform !== "linux" }, () => {
  const first = mkdtempSync(join(tmpdir(), "teal-first-"));
  const second = mkdtempSync(join(tmpdir(), "teal-second-"));
  after(async () => {
    for (const where of [first, second]) {
      await teal(where, "down");
      rmSync(where, { recursive: true });
    }
  });

  async function addressesOf(where: string): Promise<ReadonlySet<string>> {
    const services = await teal(where, "get", "svc");
    const pods = await teal(where, "get", "pods", "-o", "wide");
    return new Set(
      [...rows(services.out), ...rows(pods.out)].flatMap((row) => row.match(/127\.\d+\.\d+\.\d+/g) ?? []),
    );
  }

  it("share no address though one's data is a copy of the other's; both keep theirs when ports change", async () => {
    const port = await freePort();
    assert.equal((await teal(first, "up", "--background", "--port", String(port))).code, 0);
    await deployWeather(first);
    // While it runs: what is written of its processes comes along.
    // As people copy: Node's own copying ends the process at links that lead nowhere, such as a pod's to its standard input.
    execFileSync("cp", ["-a", join(first, ".teal"), second]);
    const pods = leftoverContainers(dataFolder(join(first, ".teal")));
    const copied = new TealProcess(["up", "--port", String(await freePort())], second);
    await copied.shown(/Ctrl-C stops everything/);
    await awaitHealthy(second);
    assert.match(
      copied.output,
      /the addresses 127\.\d+ of the cluster in .* are somebody else's now: .* move to 127\.\d+/,
    );
    const [one, other] = [await addressesOf(first), await addressesOf(second)];
    assert.ok(one.size >= 7 && other.size >= 7, [...one, ...other].join(" "));
    assert.deepEqual(
      [...one].filter((address) => other.has(address)),
      [],
    );
    assert.ok(pods.length > 0 && pods.every(isRunning), "the pods of the original go on");
    const block = recordOf(join(second, ".teal/cluster.json")).block;
    assert.deepEqual(new Set([...other].map(blockOf)), new Set([block]));
    assert.ok(listeners().some(({ address }) => blockOf(address) === block));

    assert.equal((await copied.interrupt()).code, 0);
    assert.ok(pods.every(isRunning), "the pods of the original go on");
    assert.equal((await teal(second, "up", "--background", "--port", String(await freePort()))).code, 0);
    await awaitHealthy(second);
    assert.deepEqual(await addressesOf(second), other);
    const kubernetes = await teal(second, "get", "endpointslices", "kubernetes", "-o", "json");
    const { ports } = JSON.parse(kubernetes.out) as { readonly ports: readonly { readonly port: number }[] };
    assert.equal(ports[0]?.port, recordOf(join(second, ".teal/cluster.json")).port);
  });
});

describe("teal up whose output nobody reads", () => {
  const where = mkdtempSync(join(tmpdir(), "teal-unread-"));
  after(async () => {
    await teal(where, "down");
    rmSync(where, { recursive: true });
  });

  it("goes on, and stops in good order", async () => {
    const up = new TealProcess(["up", "--port", String(await freePort())], where);
    up.child.stdout?.destroy();
    up.child.stderr?.destroy();
    const kubeconfig = join(where, ".teal/kubeconfig");
    await until("the cluster is up", async () => (await teal(where, "get", "rollouts")).code === 0);
    const { supervisor, parts } = recordOf(join(where, ".teal/cluster.json"));
    assert.ok(readFileSync(kubeconfig, "utf8").includes("teal"));
    assert.ok(supervisor !== undefined);
    const { traffic } = parts;
    assert.ok(traffic !== undefined);
    process.kill(traffic.pid, "SIGKILL");
    await until("traffic is back", () => {
      const known = recordOf(join(where, ".teal/cluster.json")).parts["traffic"];
      return known !== undefined && known.pid !== traffic.pid;
    });
    assert.ok(isRunning(supervisor));
    const down = await teal(where, "down");
    assert.equal(down.code, 0, down.error);
    assert.equal((await up.ended()).code, 0);
  });
});
