import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import type { KubernetesObject } from "../../api/core.ts";
import { ManualClock } from "../../time/manual-clock.ts";
import { FileJournal } from "./file-journal.ts";
import { StoreUnreadable } from "./journal-files.ts";
import { Store } from "./store.ts";

it("who follows the advice about a log whose end is missing keeps all that is left, also when a kill has left lines of before the snapshot", () => {
  const folder = mkdtempSync(join(tmpdir(), "teal-way-out-"));
  const file = (name: string): string => join(folder, name);
  const open = (compactFromBytes = 2 ** 20): Store =>
    new Store({ journal: new FileJournal(folder, { clock: new ManualClock(), compactFromBytes }) });
  const object = (name: string): KubernetesObject => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: "default" },
  });
  try {
    let store = open();
    for (const name of ["a", "b", "c"]) store.put("configmaps", object(name));
    store.close();
    copyFileSync(file("log.jsonl"), file("old-log"));
    // A write that compacts first: the snapshot has the three, and the process is killed before the new log is there.
    store = open(0);
    store.put("configmaps", object("d"));
    store.close();
    const last = readFileSync(file("log.jsonl"), "utf8").split("\n").at(-2) ?? "";
    const old = readFileSync(file("old-log"), "utf8");
    // All but the last one's end is on the disk: it had been synced, and is damaged.
    writeFileSync(file("log.jsonl"), `${old}${last.slice(0, -20)}`);
    let advice = "";
    assert.throws(open, (error) => {
      assert.ok(error instanceof StoreUnreadable);
      advice = error.message;
      return true;
    });
    const [, lines = ""] = /keep the first (\d+) lines/.exec(advice) ?? [];
    const [, version = ""] = /go on with version (\d+)/.exec(advice) ?? [];
    const kept = readFileSync(file("log.jsonl"), "utf8").split("\n").slice(0, Number(lines));
    writeFileSync(file("log.jsonl"), `${kept.join("\n")}\n`);
    rmSync(file("synced.json"));
    const again = open();
    assert.equal(again.version, Number(version));
    assert.deepEqual(
      again.list("configmaps").map(({ metadata }) => metadata.name),
      ["a", "b", "c"],
    );
    again.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
