import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify, stripVTControlCharacters } from "node:util";
import { Cell, Laboratory } from "./bed/cell.ts";
import { noFault } from "./bed/faults.ts";
import { rolloutName } from "./bed/manifests.ts";

// The kubectl plugin of Argo Rollouts against Teal. ARGO_ROLLOUTS_PLUGIN is the path of the program
// (`kubectl-argo-rollouts`).
const plugin = process.env["ARGO_ROLLOUTS_PLUGIN"];
const skip = plugin === undefined ? "ARGO_ROLLOUTS_PLUGIN names no program" : false;
const paused = { phase: "Paused", reason: "BlueGreenPause" };
const on = (version: string) => ({ phase: "Healthy", active: version, stable: version, live: version });

test("the kubectl plugin of Argo Rollouts drives Teal", { skip }, async () => {
  const laboratory = await Laboratory.open();
  const strategy = { scaleDownDelaySeconds: 3600, abortScaleDownDelaySeconds: 3600 };
  const cell = await Cell.open(laboratory, "plugin", { strategy }, noFault);
  const ask = async (...args: readonly string[]): Promise<string> => {
    const { namespace } = cell.room;
    const where = [`--namespace=${namespace}`, `--kubeconfig=${laboratory.cluster.kubeconfig}`];
    const { stdout } = await promisify(execFile)(plugin ?? "", [...args, ...where]);
    return stripVTControlCharacters(stdout);
  };
  try {
    await cell.deploy("v1");
    assert.match(await ask("status", rolloutName, "--timeout=60s"), /Healthy/);
    await cell.deploy("v2");
    await cell.until({ ...paused, preview: "v2" });
    assert.match(await ask("get", "rollout", rolloutName), /Paused\nMessage: +BlueGreenPause/);
    await ask("abort", rolloutName);
    await cell.until({ phase: "Degraded", isAborted: true, active: "v1" });
    await ask("retry", "rollout", rolloutName);
    await cell.until({ ...paused, isAborted: false, preview: "v2" });
    cell.allow("v2");
    await ask("promote", rolloutName);
    await cell.until(on("v2"));
    const tree = await ask("get", "rollout", rolloutName);
    assert.match(tree, /revision:2.*\n.*ReplicaSet.*stable,active/);
    await ask("undo", rolloutName);
    await cell.until(on("v1"));
    await ask("pause", rolloutName);
    await cell.until({ phase: "Paused", isObserved: true });
    await cell.deploy("v3");
    await ask("promote", rolloutName);
    await cell.until({ ...paused, preview: "v3" });
    cell.allow("v3");
    await ask("promote", rolloutName, "--full");
    await cell.end(on("v3"));
  } catch (error) {
    process.stdout.write(`${cell.report()}\n`);
    throw error;
  } finally {
    await cell.close();
    await laboratory.close();
  }
});
