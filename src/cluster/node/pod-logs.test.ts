import assert from "node:assert/strict";
import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { ContainerStatus, Pod } from "../../api/core.ts";
import { ManualClock } from "../../time/manual-clock.ts";
import type { PodLogOptions } from "../api-server/subresources/pod-logs.ts";
import { podLogsIn } from "./pod-logs.ts";
import { largestLogBytes, limitLog, olderLogPath } from "./process/log-size.ts";
import { PodFolder } from "./process/pod-folder.ts";

const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", uid: "u-1" },
  spec: { containers: [{ name: "web" }] },
};
const clock = new ManualClock();
let dataFolder: string;
let folder: PodFolder;

/** The path of the n-th run's log, which has just begun. */
function beginRun(run: number): string {
  const path = folder.openLog("web", run);
  folder.writeContainer("web", { id: "x", run, pid: 1, identity: "", startedAt: 0 });
  return path;
}

const everything: PodLogOptions = {
  container: "web",
  follow: false,
  previous: false,
  timestamps: false,
  tailLines: undefined,
  sinceSeconds: undefined,
  limitBytes: undefined,
};

async function read(options: Partial<PodLogOptions> = {}): Promise<string> {
  let text = "";
  for await (const piece of podLogsIn(dataFolder, clock)(pod, { ...everything, ...options })) text += piece;
  return text;
}

describe("a log", () => {
  beforeEach(async () => {
    dataFolder = await mkdtemp(join(tmpdir(), "teal-logs-"));
    folder = new PodFolder(dataFolder, "u-1");
  });
  afterEach(() => rm(dataFolder, { recursive: true }));

  const tails = [
    { tailLines: 0, text: "" },
    { tailLines: 1, text: "three\n" },
    { tailLines: 2, text: "two\nthree\n" },
    { tailLines: 3, text: "one\ntwo\nthree\n" },
    { tailLines: 9, text: "one\ntwo\nthree\n" },
  ];
  for (const { tailLines, text } of tails) {
    it(`of three lines gives the last ${tailLines}`, async () => {
      await writeFile(beginRun(0), "one\ntwo\nthree\n");
      assert.equal(await read({ tailLines }), text);
    });
  }

  it("is cut after limitBytes", async () => {
    await writeFile(beginRun(0), "one\ntwo\n");
    assert.equal(await read({ limitBytes: 5 }), "one\nt");
  });

  it("that is very long gives its last lines without losing any", async () => {
    const lines = Array.from({ length: 30_000 }, (_, index) => `line ${index}\n`);
    await writeFile(beginRun(0), lines.join(""));
    assert.equal(await read({ tailLines: 20_000 }), lines.slice(10_000).join(""));
  });

  it("that was moved aside for its size is read as one with what follows", async () => {
    const path = beginRun(0);
    await writeFile(path, "x".repeat(largestLogBytes + 1));
    limitLog(path);
    await writeFile(path, "new\n");
    await writeFile(olderLogPath(path), "old\n");
    assert.equal(await read(), "old\nnew\n");
    assert.equal(await read({ tailLines: 2 }), "old\nnew\n");
    assert.equal(await read({ tailLines: 1 }), "new\n");
  });

  it("of the previous run is kept, and of older ones dropped", async () => {
    for (const run of [0, 1, 2]) await writeFile(beginRun(run), `run ${run}\n`);
    assert.equal(await read(), "run 2\n");
    assert.equal(await read({ previous: true }), "run 1\n");
    await assert.rejects(writeFile(folder.logPath("web", 0), "", { flag: "r+" }), /ENOENT/);
  });

  it("in which a character lies across two pieces loses nothing", async () => {
    const text = `${"x".repeat(64 * 1024 - 1)}°C\n`;
    await writeFile(beginRun(0), text);
    assert.equal(await read(), text);
  });

  it("that is followed in silence lets its reader go", async () => {
    await writeFile(beginRun(0), "one\n");
    const log = podLogsIn(dataFolder, clock)(pod, { ...everything, follow: true })[Symbol.asyncIterator]();
    let text = "";
    while (text === "") text += (await log.next()).value;
    assert.equal(text, "one\n");
    const next = log.next();
    const left = log.return?.();
    while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(1);
    await Promise.all([next, left]);
    assert.equal(clock.pending, 0);
  });

  it("that has been quiet since the asked time is left out", async () => {
    const path = beginRun(0);
    await writeFile(path, "old\n");
    const written = new Date(clock.now() - 60_000);
    await utimes(path, written, written);
    assert.equal(await read({ sinceSeconds: 30 }), "");
    assert.equal(await read({ sinceSeconds: 90 }), "old\n");
  });

  const waits = [
    [{ waiting: { reason: "ErrImagePull", message: "no image" } }, "image can't be pulled: no image"],
    [
      { waiting: { reason: "ImagePullBackOff", message: "Back-off" } },
      "trying and failing to pull image: Back-off",
    ],
    [
      { waiting: { reason: "CreateContainerError", message: "no folder" } },
      "CreateContainerError: no folder",
    ],
    [{ waiting: { reason: "PodInitializing" } }, "PodInitializing"],
    [
      { terminated: { exitCode: 128, reason: "StartError", message: "no program" } },
      "StartError: no program",
    ],
  ] as const;
  for (const [state, why] of waits) {
    it(`of a container that has not run says that it waits to start: ${why}`, async () => {
      const status: ContainerStatus = {
        name: "web",
        image: "web:1",
        imageID: "",
        ready: false,
        started: false,
        restartCount: 0,
        state,
        lastState: {},
      };
      const waiting = { ...pod, status: { containerStatuses: [status] } };
      assert.throws(() => podLogsIn(dataFolder, clock)(waiting, everything), {
        message: `container "web" in pod "web" is waiting to start: ${why}`,
      });
    });
  }

  it("that is not there yet is refused in the server's words", async () => {
    await assert.rejects(read(), /container "web" in pod "web" is waiting to start: ContainerCreating/);
    beginRun(0);
    await writeFile(folder.logPath("web", 0), "");
    await assert.rejects(
      read({ previous: true }),
      /previous terminated container "web" in pod "web" not found/,
    );
  });
});
