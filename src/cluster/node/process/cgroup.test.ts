import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Cgroup, limitsOf } from "./cgroup.ts";

describe("the limits of a container", () => {
  it("are its quantities in bytes and processors", () => {
    const limits = { memory: "64Mi", cpu: "250m" };
    assert.deepEqual(limitsOf({ name: "web", resources: { limits } }), {
      memoryBytes: 64 * 1024 ** 2,
      cpus: 0.25,
    });
    assert.deepEqual(limitsOf({ name: "web" }), { memoryBytes: undefined, cpus: undefined });
  });

  it("are written as version 2 of the kernel's interface has them", () => {
    const root = mkdtempSync(join(tmpdir(), "teal-cgroup-"));
    try {
      writeFileSync(join(root, "cgroup.controllers"), "cpu memory");
      mkdirSync(join(root, "teal/u.web"), { recursive: true });
      const group = Cgroup.make("u.web", { memoryBytes: 1000, cpus: 0.5 }, root);
      const read = (file: string) => readFileSync(join(root, "teal/u.web", file), "utf8");
      assert.deepEqual([read("memory.max"), read("cpu.max")], ["1000", "50000 100000"]);
      group?.add(7);
      assert.equal(read("cgroup.procs"), "7");
      assert.equal(group?.hasRunOutOfMemory, false);
      writeFileSync(join(root, "teal/u.web/memory.events"), "oom 1\noom_kill 1\n");
      assert.equal(group?.hasRunOutOfMemory, true);
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  it("are taken away by name, with both versions of the interface", () => {
    const root = mkdtempSync(join(tmpdir(), "teal-cgroup-"));
    try {
      const folders = ["teal", "memory/teal", "cpu/teal"].map((folder) => join(root, folder));
      for (const folder of folders) mkdirSync(join(folder, "u.web"), { recursive: true });
      Cgroup.remove("u.web", root);
      Cgroup.remove("u.other", root);
      assert.deepEqual(
        folders.flatMap((folder) => readdirSync(folder)),
        [],
      );
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  it("are none where there are no controllers", () => {
    const root = mkdtempSync(join(tmpdir(), "teal-cgroup-"));
    assert.equal(Cgroup.make("u.web", { memoryBytes: 1, cpus: 1 }, root), undefined);
    rmSync(root, { recursive: true });
  });

  it("end a program that wants more memory", async (test) => {
    const group = Cgroup.make(`test.${process.pid}`, { memoryBytes: 48 * 1024 ** 2, cpus: undefined });
    if (group === undefined) return test.skip("not permitted here");
    // Begins when it is told to, so that it is limited by then; and never takes more than 512 MB.
    const program =
      "process.stdin.once('data', () => { const all = []; while (all.length < 64) all.push(Buffer.alloc(8e6, 1)); })";
    const child = spawn(process.execPath, ["-e", program], { stdio: ["pipe", "ignore", "ignore"] });
    group.add(child.pid ?? 0);
    child.stdin.on("error", () => {}).write("go\n");
    const [, signal] = await once(child, "exit");
    assert.deepEqual([signal, group.hasRunOutOfMemory], ["SIGKILL", true]);
    group.remove();
  });
});
