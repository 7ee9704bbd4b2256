import assert from "node:assert/strict";
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parse } from "yaml";

// The package as npm makes it, installed where nothing of the repository is near.
const folder = mkdtempSync(join(tmpdir(), "teal-package-"));
after(() => rmSync(folder, { recursive: true }));

function run(command: string, args: readonly string[], cwd = folder): SpawnSyncReturns<string> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return spawnSync(command, args, { cwd, encoding: "utf8", env: { ...env, HOME: folder, KUBECONFIG: "" } });
}

function mustRun(command: string, args: readonly string[], cwd = folder): string {
  const { status, stdout, stderr } = run(command, args, cwd);
  assert.equal(status, 0, `${command} ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

describe("the package", () => {
  before(() => {
    mustRun("npm", ["pack", "--silent", "--pack-destination", folder], process.cwd());
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    mustRun("npm", ["init", "--yes"]);
    mustRun("npm", [
      "install",
      "--no-audit",
      "--no-fund",
      "--prefer-offline",
      "--ignore-scripts",
      `./teal-delivery-${version}.tgz`,
    ]);
  });

  const teal = (...args: readonly string[]): SpawnSyncReturns<string> =>
    run(join(folder, "node_modules/.bin/teal"), args);

  it("says its version, also as a kubectl plugin", () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    assert.equal(teal("version", "--short").stdout, `${version}\n`);
    const plugin = join(folder, "node_modules/.bin/kubectl-teal");
    assert.equal(mustRun(plugin, ["version", "--short"]), `${version}\n`);
  });

  it("shows its help and warns of nothing", () => {
    const { status, stdout, stderr } = teal("--help");
    assert.equal(status, 0);
    assert.match(stdout, /teal promote NAME \[--full\]/);
    assert.equal(stderr, "");
  });

  it("says in one line what to do when there is no cluster", () => {
    const { status, stderr } = teal("get", "pods");
    assert.equal(status, 1);
    assert.match(stderr, /^Error: no kubeconfig found: .*teal up.*\n$/);
  });

  it("carries the definition of Rollouts, and no test", () => {
    const root = join(folder, "node_modules/teal-delivery");
    const definition: unknown = parse(readFileSync(join(root, "deploy/crds/rollouts.yaml"), "utf8"));
    assert.ok(typeof definition === "object" && definition !== null && "kind" in definition);
    assert.equal(definition.kind, "CustomResourceDefinition");
    const files = mustRun("find", [join(root, "dist"), "-name", "*.test.js", "-o", "-name", "*.fixture.js"]);
    assert.equal(files, "");
  });
});
