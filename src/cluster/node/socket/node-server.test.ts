import assert from "node:assert/strict";
import { appendFile, chmod, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Pod } from "../../../api/core.ts";
import { SystemClock } from "../../../time/system-clock.ts";
import type { PodLogOptions } from "../../api-server/subresources/pod-logs.ts";
import { RunLogs } from "../logs/run-log.ts";
import { PodFolder } from "../process/pod-folder.ts";
import { nodeOf } from "./node-client.ts";
import { NodeServer } from "./node-server.ts";
import { nodeSocketIn } from "./socket-path.ts";

const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { namespace: "shop", name: "web", uid: "u-1" },
  spec: { containers: [{ name: "web" }] },
};
const everything: PodLogOptions = {
  container: "web",
  follow: false,
  previous: false,
  timestamps: false,
  tailLines: undefined,
  since: undefined,
  limitBytes: undefined,
};
let folder: string;
let dataFolder: string;
let logs: RunLogs;
let server: NodeServer;

async function begin(path: string): Promise<void> {
  dataFolder = path;
  logs = new RunLogs(new SystemClock());
  server = serverOf(path);
  await server.start();
}

function serverOf(path: string): NodeServer {
  return new NodeServer({
    dataFolder: path,
    logs,
    clock: new SystemClock(),
    driver: { planBeside: async () => assert.fail() },
    podWith: () => pod,
    networkOf: () => undefined,
    usage: () => ({ "u-1": [{ container: "web", cpuSeconds: 1.5, memoryBytes: 4096 }] }),
    onProblem: assert.fail,
  });
}

async function runWith(text: string): Promise<string> {
  const files = new PodFolder(dataFolder, "u-1");
  const path = files.openLog("web", 0);
  files.writeContainer("web", { id: "x", run: 0, pid: 1, identity: "", startedAt: 0 });
  await writeFile(path, text);
  return path;
}

function read(options: Partial<PodLogOptions> = {}, signal = new AbortController().signal) {
  return nodeOf(dataFolder).logs(pod, { ...everything, ...options }, signal);
}

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += String(piece);
  return text;
}

describe("the node's socket", () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "teal-node-"));
    await begin(folder);
  });
  afterEach(async () => {
    await server.close();
    logs.release();
    await rm(folder, { recursive: true });
  });

  it("tells what the pods of the node use", async () => {
    assert.deepEqual(await nodeOf(dataFolder).usage(), {
      "u-1": [{ container: "web", cpuSeconds: 1.5, memoryBytes: 4096 }],
    });
    await assert.rejects(
      nodeOf(join(dataFolder, "elsewhere")).usage(),
      /Get "\/usage": dial unix .*no such file/,
    );
  });

  it("is for this user only, and takes the place of one that was left behind", async () => {
    assert.equal((await stat(nodeSocketIn(dataFolder))).mode & 0o777, 0o600);
    await server.close();
    await writeFile(nodeSocketIn(dataFolder), "");
    await chmod(nodeSocketIn(dataFolder), 0o644);
    server = serverOf(dataFolder);
    await server.start();
    assert.equal((await stat(nodeSocketIn(dataFolder))).mode & 0o777, 0o600);
  });

  it("works in a data folder whose path is longer than that of a socket may be", {
    skip: process.platform !== "linux",
  }, async () => {
    await server.close();
    const deep = join(folder, "d".repeat(120));
    await mkdir(deep);
    await begin(deep);
    await runWith("deep\n");
    assert.equal(await textOf(await read()), "deep\n");
  });

  it("gives out a log that is followed until its reader leaves", async () => {
    const path = await runWith("one\n");
    logs.open(path);
    const leaving = new AbortController();
    const reader = (await read({ follow: true }, leaving.signal))[Symbol.asyncIterator]();
    assert.equal(String((await reader.next()).value), "one\n");
    const next = reader.next();
    await appendFile(path, "two\n");
    assert.equal(String((await next).value), "two\n");
    leaving.abort();
    assert.equal((await reader.next()).done, true);
  });

  it("refuses in the kubelet's words", async () => {
    await assert.rejects(read(), {
      name: "Refusal",
      message: 'container "web" in pod "web" is waiting to start: ContainerCreating',
    });
  });

  it("that nobody answers is said, and so is one that breaks off", async () => {
    const path = await runWith("one\n");
    logs.open(path);
    const reader = (await read({ follow: true }))[Symbol.asyncIterator]();
    assert.equal(String((await reader.next()).value), "one\n");
    const next = reader.next();
    await server.close();
    await assert.rejects(next, /the log breaks off/);
    await assert.rejects(read(), {
      message:
        /^Get "\/log\/shop\/web\/u-1\?.*": dial unix .*node\.sock: connect: no such file or directory$/,
    });
    await server.start();
  });
});
