import assert from "node:assert/strict";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ManualClock } from "../../time/manual-clock.ts";
import { largestLog, lastLine, limitLogs, openLog } from "./log-file.ts";

const folder = mkdtempSync(join(tmpdir(), "teal-log-"));
after(() => rmSync(folder, { recursive: true }));

function append(file: string, text: string): void {
  const log = openLog(file);
  writeSync(log, text);
  closeSync(log);
}

describe("a part's log", () => {
  it("goes on where it ended", () => {
    const file = join(folder, "deep/node.log");
    append(file, "one\n");
    append(file, "two\n");
    assert.equal(readFileSync(file, "utf8"), "one\ntwo\n");
    assert.equal(existsSync(`${file}.1`), false);
  });

  it("lies in folders that only their owner can look into", () => {
    append(join(folder, "data/log/node.log"), "one\n");
    for (const path of ["data", "data/log"]) assert.equal(statSync(join(folder, path)).mode & 0o777, 0o700);
  });

  it("begins anew when it has grown large, and keeps the one before", () => {
    const file = join(folder, "large.log");
    writeFileSync(file, "x".repeat(5 * 1024 * 1024 + 1));
    append(file, "young\n");
    assert.equal(readFileSync(file, "utf8"), "young\n");
    assert.equal(statSync(`${file}.1`).size, 5 * 1024 * 1024 + 1);
  });

  it("tells its last line that is not empty, of one run alone", () => {
    const file = join(folder, "last.log");
    writeFileSync(file, "an earlier run\n");
    const { size } = statSync(file);
    assert.equal(lastLine(file, size), undefined);
    append(file, "first\nlast words  \n\n");
    assert.equal(lastLine(file, size), "last words");
  });

  it("stays small while its writer goes on, and keeps the newest of it", async () => {
    const clock = new ManualClock();
    const logs = join(folder, "small");
    const file = join(logs, "traffic.log");
    const log = openLog(file);
    const problems: string[] = [];
    const stop = limitLogs(logs, clock, (text) => problems.push(text));
    writeSync(log, `${"x".repeat(3 * largestLog)}the end\n`);
    await clock.advance(1);
    writeSync(log, "and on\n");
    assert.equal(readFileSync(file, "utf8"), "and on\n");
    const older = readFileSync(`${file}.1`, "utf8");
    assert.equal(older.length, largestLog);
    assert.ok(older.endsWith("xthe end\n"));
    rmSync(`${file}.1`);
    mkdirSync(`${file}.1`);
    writeSync(log, "y".repeat(largestLog + 1));
    await clock.advance(1);
    assert.equal(statSync(file).size, 0);
    assert.match(problems.join(), /the older part of .*traffic\.log is lost: .*EISDIR/);
    stop();
    assert.equal(clock.pending, 0);
    closeSync(log);
  });
});
