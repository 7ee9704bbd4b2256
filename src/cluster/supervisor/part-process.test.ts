import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ManualClock } from "../../time/manual-clock.ts";
import { PartProcess } from "./part-process.ts";

const folder = mkdtempSync(join(tmpdir(), "teal-part-"));
after(() => rmSync(folder, { recursive: true }));

// Real processes, because that is what it is about; their time is the clock's.
function part(program: string) {
  const clock = new ManualClock();
  const lines: string[] = [];
  const restarts: PromiseWithResolvers<string>[] = [];
  let seen = 0;
  const nextRestart = (): Promise<string> => {
    const index = seen++;
    restarts[index] ??= Promise.withResolvers<string>();
    return restarts[index].promise;
  };
  const lost = Promise.withResolvers<Error>();
  const process_ = new PartProcess({
    name: "part",
    command: [process.execPath, "-e", program],
    logFile: join(folder, "part.log"),
    clock,
    onProcess: () => undefined,
    onRestart: (line) => {
      const index = lines.push(line) - 1;
      restarts[index] ??= Promise.withResolvers<string>();
      restarts[index].resolve(line);
    },
    onLost: lost.resolve,
  });
  return { part: process_, clock, lines, nextRestart, lost: lost.promise };
}

const stops = "process.on('message', () => process.exit(0));";
const ready = "process.send({is: 'ready', facts: {port: '1'}});";

describe("a part of the cluster", () => {
  it("is ready when it says so, and ends when it is asked to", async () => {
    const { part: running, lines } = part(stops + ready);
    assert.deepEqual(await running.start(), { port: "1" });
    await running.stop(10);
    assert.deepEqual(lines, []);
  });

  it("cannot be started when it says why, and is not tried again", async () => {
    const { part: running, lines } = part(
      "process.send({is: 'failed', reason: 'port 1 is taken'}, () => process.exit(1));",
    );
    await assert.rejects(running.start(), /^Error: part cannot start: port 1 is taken \(log: .*part\.log\)$/);
    assert.deepEqual(lines, []);
    await running.stop(10);
  });

  it("is tried again five times when it ends before it is ready, ever later, and the cause is told", async () => {
    const { part: running, clock, nextRestart } = part("console.error('no memory'); process.exit(7);");
    const started = assert.rejects(
      running.start(),
      /cannot start, 5 times in a row: exit code 7, .*"no memory"/,
    );
    for (const seconds of [0.1, 0.2, 0.4, 0.8]) {
      assert.match(
        await nextRestart(),
        new RegExp(`exit code 7, .*"no memory"\\. It starts again in ${seconds} s`),
      );
      await clock.advance(seconds);
    }
    await started;
    await running.stop(10);
  });

  it("is started again when it is killed, later and later when that happens again and again", async () => {
    const {
      part: running,
      clock,
      nextRestart,
    } = part(`${stops}${ready}setTimeout(() => process.kill(process.pid, 'SIGKILL'), 20);`);
    await running.start();
    assert.match(await nextRestart(), /^part ended: killed by SIGKILL\. It starts again in 0\.1 s/);
    await clock.advance(0.1);
    assert.equal(await nextRestart(), "part is ready again");
    assert.match(await nextRestart(), /killed by SIGKILL\. It starts again in 0\.2 s/);
    await running.stop(10);
  });

  it("is killed when it does not end in time", async () => {
    const { part: running, clock } = part(`process.on('message', () => undefined);${ready}`);
    await running.start();
    const stopped = running.stop(10);
    await clock.advance(10);
    await stopped;
  });
});
