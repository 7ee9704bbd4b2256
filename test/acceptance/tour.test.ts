import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, it } from "node:test";
import { readRecord } from "../../src/cluster/supervisor/cluster-record.ts";
import { dataFolder } from "../../src/cluster/supervisor/data-folder.ts";
import { departure } from "../../src/cluster/supervisor/departure.ts";
import { leftoverContainers } from "../../src/cluster/supervisor/leftover-pods.ts";
import { SystemClock } from "../../src/time/system-clock.ts";
import { freePort, isFree, TealProcess } from "./teal-process.ts";

const folder = mkdtempSync(join(tmpdir(), "teal-tour-"));
const data = dataFolder(join(folder, ".teal"));
after(() => rmSync(folder, { recursive: true }));

it("stops in the middle without a trace, is killed in the middle, and then goes through to its end", async () => {
  const port = await freePort();
  const args = ["start", "--port", String(port)];

  const interrupted = new TealProcess(args, folder);
  await interrupted.shown(/Send steady load[^]*no request has failed/);
  assert.equal((await interrupted.interrupt()).code, 0);
  assert.deepEqual(leftoverContainers(data), []);
  assert.ok(await isFree(port));

  const killed = new TealProcess(args, folder);
  await killed.shown(/Promote version 2/);
  const record = readRecord(data.record);
  assert.ok(record?.supervisor !== undefined);
  const all = [record.supervisor, ...Object.values(record.parts), ...leftoverContainers(data)];
  process.kill(record.supervisor.pid, "SIGKILL");
  assert.deepEqual(await departure(all, 30, new SystemClock()), []);
  await killed.ended();

  const { code, out, error } = await new TealProcess([...args, "--once"], folder).ended();
  assert.equal(code, 0, `${out}\n${error}`);
  assert.match(out, /^ {4}Failures {2,}0$/m);
  assert.match(out, /^ {4}Switches {2,}2$/m);
  assert.deepEqual(leftoverContainers(data), []);
  assert.ok(await isFree(port));
});

it("switches users several times under load without a failure or an old answer", async () => {
  const bench = join(import.meta.dirname, "../../bench/switches.ts");
  const child = spawn(process.execPath, [bench, "--switches", "5", "--port", String(await freePort())], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [out, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  assert.equal(code, 0, out);
  assert.match(out, /^switches {2,}5$/m);
});
