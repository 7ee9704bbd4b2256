import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { readRecord } from "../../src/cluster/supervisor/cluster-record.ts";
import { dataFolder } from "../../src/cluster/supervisor/data-folder.ts";
import { isRunning } from "../../src/cluster/supervisor/known-process.ts";
import { leftoverContainers } from "../../src/cluster/supervisor/leftover-pods.ts";
import { fillUp, mayMount, mountSmallDisk, unmount } from "./small-disk.ts";
import { freePort, TealProcess, teal } from "./teal-process.ts";

const manifest = join(import.meta.dirname, "../../examples/weather/rollout.yaml");

describe("a cluster on a full disk", {
  skip: mayMount() ? false : "mounting a small disk needs root",
}, () => {
  const folder = mkdtempSync(join(tmpdir(), "teal-full-"));
  const data = dataFolder(join(folder, ".teal"));
  const fill = join(folder, "fill");
  const large = join(folder, "large.json");
  const unused = join(folder, "unused.json");
  const unusedService = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "unused" },
    spec: { ports: [{ port: 80 }] },
  };

  before(() => mountSmallDisk(folder, "24m"));

  after(async () => {
    await teal(folder, "down");
    unmount(folder);
    rmSync(folder, { recursive: true });
  });

  function parts(): Readonly<Record<string, number>> {
    const { supervisor, parts: named = {} } = readRecord(data.record) ?? {};
    assert.ok(supervisor !== undefined && isRunning(supervisor), "the supervisor runs");
    return Object.fromEntries(
      Object.entries({ ...named, supervisor }).map(([name, known]) => {
        assert.ok(isRunning(known), `${name} runs`);
        return [name, known.pid];
      }),
    );
  }

  it("refuses writes, goes on with all else, and stops in good order", async () => {
    const up = new TealProcess(["up", "--port", String(await freePort())], folder);
    await up.shown(/stops everything/);
    assert.equal((await teal(folder, "apply", "-f", manifest)).code, 0);
    const status = await teal(folder, "status", "rollout-weather-app", "--timeout", "60s");
    assert.equal(status.code, 0, status.error);
    writeFileSync(unused, JSON.stringify(unusedService));
    assert.equal((await teal(folder, "apply", "-f", unused)).code, 0);
    const before = parts();
    const pods = leftoverContainers(data).map(({ pid }) => pid);
    assert.ok(pods.length > 0);

    // More than what compacting the store makes room for.
    const largeData = { a: "x".repeat(240 * 1024) };
    writeFileSync(
      large,
      JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "large" }, data: largeData }),
    );
    fillUp(fill);
    const refused = await teal(folder, "apply", "-f", large);
    assert.notEqual(refused.code, 0);
    assert.match(refused.error, /no space left on device.*: nothing was changed; free some space/);
    // What is there can be read, and taken away.
    assert.equal((await teal(folder, "get", "pods")).code, 0);
    const deleted = await teal(folder, "delete", "svc", "unused");
    assert.equal(deleted.code, 0, deleted.error);
    // A part that ends is brought back although its supervisor cannot write that down.
    const { node = 0 } = before;
    process.kill(node, "SIGKILL");
    await up.shown(/node ended: killed by SIGKILL/);
    assert.equal((await teal(folder, "get", "pods")).code, 0);
    for (const [name, pid] of Object.entries(before))
      if (name !== "node") assert.ok(isAlive(pid), `${name} survives`);
    for (const pid of pods) assert.ok(isAlive(pid), "the pods survive");

    rmSync(fill);
    await up.shown(/node is ready again/);
    assert.equal((await teal(folder, "status", "rollout-weather-app", "--timeout", "60s")).code, 0);
    for (const pid of pods) assert.ok(isAlive(pid), "the pods survive");

    fillUp(fill);
    const ended = await up.interrupt();
    assert.equal(ended.code, 0, ended.error);
    assert.deepEqual(leftoverContainers(data), []);
    const ends = pods.map((pid) => isAlive(pid));
    assert.deepEqual(new Set(ends), new Set([false]));
  });
});

function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}
