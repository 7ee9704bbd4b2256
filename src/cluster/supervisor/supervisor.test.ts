import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { SystemClock } from "../../time/system-clock.ts";
import { PodFolder } from "../node/process/pod-folder.ts";
import { type DataFolder, dataFolder } from "./data-folder.ts";
import { knownProcess } from "./known-process.ts";
import { runningPods } from "./leftover-pods.ts";
import type { Part } from "./part.ts";
import { type Progress, Supervisor } from "./supervisor.ts";

const folder = mkdtempSync(join(tmpdir(), "teal-supervisor-"));
after(() => rmSync(folder, { recursive: true }));

// Each part says that it is ready, and the node hears no request to stop.
const deafNode = join(folder, "part.cjs");
writeFileSync(
  deafNode,
  `process.on("message", ({ is }) => is !== "stop" || process.argv[2] === "deaf" || process.exit(0));
   process.send({ is: "ready", facts: {} });`,
);

describe("a supervisor whose node does not stop", () => {
  it("names the pods that it waits for, and when told to kill ends them and every part", async () => {
    const data = dataFolder(join(folder, "data"));
    const nodeIsWaitedFor = Promise.withResolvers<() => string>();
    const progress: Progress = {
      during(what, work, detail) {
        if (what === "node to stop" && detail !== undefined) nodeIsWaitedFor.resolve(detail);
        return work;
      },
      say: () => undefined,
    };
    const program = [process.execPath, deafNode] as const;
    const parts = [
      part("api-server", []),
      { ...part("node", ["api-server"]), arguments: () => ["deaf"], remaining },
    ];
    const supervisor = new Supervisor({ data, parts, program, clock: new SystemClock(), progress, port: 1 });
    await supervisor.start();
    const pod = spawn("sh", ["-c", 'trap "" TERM; while :; do sleep 1; done'], {
      stdio: "ignore",
      detached: true,
    });
    const podEnded = once(pod, "exit");
    writePod(data.path, "u-1", pod.pid ?? 0);

    const stopped = supervisor.stop();
    const detail = await nodeIsWaitedFor.promise;
    assert.equal(detail(), "default/deaf");
    await supervisor.kill();
    await stopped;
    await podEnded;
    assert.equal(detail(), "");
    const record: unknown = JSON.parse(readFileSync(data.record, "utf8"));
    assert.deepEqual((record as { parts: unknown }).parts, {});
  });
});

function part(name: string, needs: readonly string[]): Part {
  return { name, title: name, needs, graceSeconds: 60, arguments: () => [name] };
}

function remaining(data: DataFolder): string {
  return runningPods(data).join(", ");
}

function writePod(dataPath: string, uid: string, pid: number): void {
  const pod = new PodFolder(dataPath, uid);
  pod.writePod({ namespace: "default", name: "deaf", podIp: "127.1.0.2" });
  pod.openLog("web", 0);
  const identity = knownProcess(pid)?.identity ?? "";
  pod.writeContainer("web", { id: "x", run: 0, pid, identity, startedAt: 0 });
}
