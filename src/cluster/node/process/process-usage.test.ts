import assert from "node:assert/strict";
import { it } from "node:test";
import { usageOf } from "./proc-files.ts";

it("a process is told what it has used, and one that is not there nothing", {
  skip: process.platform !== "linux",
}, () => {
  const { user, system } = process.cpuUsage();
  const usage = usageOf(process.pid);
  assert.ok(usage !== undefined);
  // The kernel counts in hundredths of a second, and this process goes on.
  assert.ok(Math.abs(usage.cpuSeconds - (user + system) / 1e6) < 0.5);
  assert.ok(Math.abs(usage.memoryBytes / process.memoryUsage().rss - 1) < 0.3);
  assert.equal(usageOf(2 ** 22 + 1), undefined);
});
