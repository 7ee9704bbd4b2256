import assert from "node:assert/strict";
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { ContainerStatus, Pod } from "../../../api/core.ts";
import { later } from "../../../time/clock.ts";
import { ManualClock } from "../../../time/manual-clock.ts";
import type { PodLogOptions } from "../../api-server/subresources/pod-logs.ts";
import { PodFolder } from "../process/pod-folder.ts";
import { largestLogBytes } from "./log-size.ts";
import { podLogIn } from "./pod-logs.ts";
import { type RunLog, RunLogs } from "./run-log.ts";

const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", uid: "u-1" },
  spec: { containers: [{ name: "web" }] },
};
let clock: ManualClock;
let logs: RunLogs;
let dataFolder: string;
let folder: PodFolder;

/** The path of the n-th run's log, which has just begun. */
function beginRun(run: number): string {
  const path = folder.openLog("web", run);
  folder.writeContainer("web", { id: "x", run, pid: 1, identity: "", startedAt: 0 });
  return path;
}

/** The log of a run that goes on, and is looked at when a test says so. */
async function openRun(): Promise<RunLog> {
  const path = beginRun(0);
  await writeFile(path, "");
  return logs.open(path);
}

async function write(log: RunLog, text: string): Promise<void> {
  await appendFile(log.path, text);
  log.look();
}

const everything: PodLogOptions = {
  container: "web",
  follow: false,
  previous: false,
  timestamps: false,
  tailLines: undefined,
  since: undefined,
  limitBytes: undefined,
};

function begin(options: Partial<PodLogOptions> = {}, signal = new AbortController().signal) {
  return podLogIn(dataFolder, logs, pod, { ...everything, ...options }, signal);
}

async function read(options: Partial<PodLogOptions> = {}): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of begin(options)) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

/** Reads on until that much has come. */
async function next(log: AsyncIterator<Uint8Array>, length: number): Promise<string> {
  let text = "";
  while (text.length < length) {
    const { value, done } = await log.next();
    if (done === true) break;
    text += String(value);
  }
  return text;
}

describe("a log", () => {
  beforeEach(async () => {
    clock = new ManualClock();
    logs = new RunLogs(clock);
    dataFolder = await mkdtemp(join(tmpdir(), "teal-logs-"));
    folder = new PodFolder(dataFolder, "u-1");
  });
  afterEach(async () => {
    logs.release();
    await rm(dataFolder, { recursive: true });
  });

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
    const log = await openRun();
    await write(log, `${"x".repeat(largestLogBytes)}\nold\n`);
    log.limit();
    await write(log, "new\n");
    assert.equal(await read({ tailLines: 2 }), "old\nnew\n");
    assert.equal(await read({ tailLines: 1 }), "new\n");
    assert.equal((await read()).length, largestLogBytes + "new\n".length);
  });

  it("that is cut while it is followed is read on without a gap, each time", async () => {
    const log = await openRun();
    await write(log, "first\n");
    const reader = begin({ follow: true })[Symbol.asyncIterator]();
    assert.equal(await next(reader, 6), "first\n");
    for (const round of [1, 2, 3]) {
      const large = `${String(round).repeat(largestLogBytes - 100)}\n`;
      await write(log, large);
      assert.ok((await next(reader, large.length)) === large);
      const rest = `${"y".repeat(200)}\n`;
      await write(log, rest);
      log.limit();
      await write(log, "after\n");
      assert.equal(await next(reader, rest.length + 6), `${rest}after\n`);
    }
    logs.close(log.path);
    assert.equal((await reader.next()).done, true);
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
    await write(await openRun(), "one\n");
    const leaving = new AbortController();
    const reader = begin({ follow: true }, leaving.signal)[Symbol.asyncIterator]();
    assert.equal(await next(reader, 4), "one\n");
    const last = reader.next();
    leaving.abort();
    assert.equal((await last).done, true);
  });

  it("that is followed ends with its container, and not before its last words", async () => {
    const log = await openRun();
    const reader = begin({ follow: true })[Symbol.asyncIterator]();
    const words = next(reader, 4);
    await appendFile(log.path, "bye\n");
    logs.close(log.path);
    assert.equal(await words, "bye\n");
    assert.equal((await reader.next()).done, true);
  });

  it("knows when its lines were written, also for the node's next process", async () => {
    const log = await openRun();
    const start = clock.now();
    await write(log, "one\ntw");
    await clock.advance(10);
    await write(log, "o\nthree\n");
    const at = (seconds: number) => `${new Date(later(start, seconds)).toISOString().slice(0, -1)}000000Z`;
    const stamped = `${at(0)} one\n${at(0)} two\n${at(10)} three\n`;
    for (const each of [logs, new RunLogs(clock)]) {
      logs = each;
      assert.equal(await read({ timestamps: true }), stamped);
      assert.equal(await read({ since: later(start, 5) }), "three\n");
      assert.equal(await read({ since: later(start, 11) }), "");
      assert.equal(await read({ since: later(start, -5), tailLines: 2 }), "two\nthree\n");
      assert.equal(await read({ timestamps: true, limitBytes: 35 }), stamped.slice(0, 35));
    }
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
      assert.throws(() => podLogIn(dataFolder, logs, waiting, everything, new AbortController().signal), {
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
