import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { it } from "node:test";

// These tests share one process, in which a hook outside of any `describe` runs around every test of every file.
it("no test runs hooks around the tests of other files", () => {
  const files = globSync(["src/**/*.test.ts", "test/{planner,conformance,scenarios}/*.test.ts"]);
  const hooks = files.filter((file) => /^(beforeEach|afterEach)\(/m.test(readFileSync(file, "utf8")));
  assert.ok(files.length > 100);
  assert.deepEqual(hooks, []);
});
