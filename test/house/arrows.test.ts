import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, describe, it } from "node:test";

const oxlint = resolve("node_modules/.bin/oxlint");
const folder = mkdtempSync(join(tmpdir(), "teal-house-"));
cpSync(".oxlintrc.json", join(folder, ".oxlintrc.json"));
after(() => rmSync(folder, { recursive: true }));

/** What lint says about a file of the given text at the given place. */
function lint(path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return spawnSync(oxlint, [file], { cwd: folder, encoding: "utf8" }).stdout;
}

// A rule that never fires looks like a house in order. So each is shown one violation that it must find.
describe("the house's rules notice", () => {
  const planted: readonly [string, string, string, RegExp][] = [
    [
      "a planner that reads the clock",
      "src/rollout/x.ts",
      "export const now = Date.now();\n",
      /told the time/,
    ],
    ["a planner that does I/O", "src/rollout/x.ts", 'export * from "node:fs";\n', /do no I\/O/],
    [
      "a planner that knows the client",
      "src/rollout/x.ts",
      'export * from "../kubernetes/client.ts";\n',
      /run downwards/,
    ],
    ["a view that waits", "src/view/x.ts", "setTimeout(() => {}, 1);\n", /do not wait/],
    ["an api that looks up", "src/api/x.ts", 'export * from "../rollout/plan.ts";\n', /ground floor/],
    [
      "a router that knows the planner",
      "src/traffic/x.ts",
      'export * from "../rollout/plan.ts";\n',
      /Routers know/,
    ],
    [
      "a client that knows Rollouts' planner",
      "src/kubernetes/x.ts",
      'export * from "../rollout/plan.ts";\n',
      /API only/,
    ],
    [
      "a cluster that knows the controller",
      "src/cluster/node/x.ts",
      'export * from "../../controller/c.ts";\n',
      /knows nothing of Rollouts/,
    ],
    [
      "a cluster that knows what it is put together of",
      "src/cluster/node/x.ts",
      'export * from "../../parts/parts.ts";\n',
      /knows nothing of Rollouts/,
    ],
    [
      "a part that knows the command line",
      "src/parts/x.ts",
      'export * from "../cli/run.ts";\n',
      /print nothing/,
    ],
    [
      "a controller that knows the cluster",
      "src/controller/x.ts",
      'export * from "../cluster/store/s.ts";\n',
      /any Kubernetes/,
    ],
  ];
  for (const [what, path, text, complaint] of planted) {
    it(what, () => assert.match(lint(path, text), complaint));
  }

  it("but not an import that runs downwards", () => {
    assert.doesNotMatch(lint("src/rollout/y.ts", 'export * from "../api/names.ts";\n'), /no-restricted/);
  });
});

describe("ARCHITECTURE.md", () => {
  it("names every folder of src", () => {
    const text = readFileSync("ARCHITECTURE.md", "utf8");
    const folders = readdirSync("src", { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const missing = folders.map((entry) => entry.name).filter((name) => !text.includes(`\`${name}/\``));
    assert.deepEqual(missing, []);
  });
});
