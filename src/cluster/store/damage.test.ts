import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { isFull, runs } from "../../../test/effort.ts";
import type { KubernetesObject } from "../../api/core.ts";
import { ManualClock } from "../../time/manual-clock.ts";
import { FileJournal } from "./file-journal.ts";
import { StoreUnreadable } from "./journal-files.ts";
import { Store } from "./store.ts";

const object = (name: string, data: object): KubernetesObject =>
  ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: "default" },
    data,
  }) as KubernetesObject;

/** Each byte in the full test, every n-th otherwise. */
const everyday = (step: number): number => (isFull ? 1 : step);

/** The text of all that is stored. */
const stateOf = (store: Store): string => JSON.stringify(store.list("configmaps"));

describe("damage to a store's files", () => {
  const folder = mkdtempSync(join(tmpdir(), "teal-damage-"));
  const file = (name: string): string => join(folder, name);
  const files = new Map<string, Buffer>();
  /** The state after each version. */
  const states: string[] = [];
  const problems: string[] = [];
  const open = (compactFromBytes?: number): Store =>
    new Store({
      journal: new FileJournal(folder, {
        clock: new ManualClock(),
        onProblem: (text) => problems.push(text),
        ...(compactFromBytes === undefined ? {} : { compactFromBytes }),
      }),
    });

  before(() => {
    let store = open(0);
    states.push(stateOf(store));
    const note = (): number => states.push(stateOf(store));
    for (let round = 0; round < 12; round += 1) {
      // Two writes in the snapshot, the others in the log.
      if (round === 3) {
        store.close();
        store = open();
      }
      store.put("configmaps", object(`c${round % 4}`, { text: `ä\n"${"x".repeat(round)}`, round }));
      note();
    }
    store.remove("configmaps", "default", "c1");
    note();
    store.close();
    for (const name of readdirSync(folder)) files.set(name, readFileSync(file(name)));
    assert.ok(files.has("snapshot.jsonl") && (files.get("log.jsonl")?.length ?? 0) > 1500);
  });
  after(() => rmSync(folder, { recursive: true }));

  /** Opens the folder as it was, but for one file: what came of it. */
  function openWith(name: string, bytes: Buffer, synced: boolean): "refused" | "cut" | "whole" {
    for (const found of readdirSync(folder)) if (!files.has(found)) rmSync(file(found));
    for (const [each, content] of files) writeFileSync(file(each), each === name ? bytes : content);
    if (!synced && existsSync(file("synced.json"))) rmSync(file("synced.json"));
    problems.length = 0;
    let store: Store;
    try {
      store = open();
    } catch (error) {
      assert.ok(error instanceof StoreUnreadable, String(error));
      assert.ok(error.line >= 1);
      assert.ok(readFileSync(file(name)).equals(bytes), "nothing was changed");
      return "refused";
    }
    const { version } = store;
    assert.equal(stateOf(store), states[version], "what is read is a state that there has been");
    store.put("configmaps", object("z", {}));
    const next = stateOf(store);
    store.close();
    const again = open();
    assert.equal(stateOf(again), next, "what is written afterwards is kept");
    again.close();
    if (version === states.length - 1) return "whole";
    const cut = readdirSync(folder).find((each) => each.startsWith("log.jsonl.cut-at-"));
    if (cut === undefined) return "whole";
    assert.match(problems[0] ?? "", /bytes that are no whole record/);
    const begin = Number(cut.slice("log.jsonl.cut-at-".length));
    assert.ok(readFileSync(file(cut)).equals(bytes.subarray(begin)), "the cut bytes are kept");
    return "cut";
  }

  const original = (name: string): Buffer => files.get(name) ?? assert.fail(name);
  const flipped = (name: string, bit: number): Buffer => {
    const bytes = Buffer.from(original(name));
    const at = bit >> 3;
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
    return bytes;
  };

  it("cut off anywhere, a synced log is refused, one that was not goes on at its last whole record", () => {
    const log = original("log.jsonl");
    const head = log.indexOf("\n") + 1;
    for (let length = 0; length < log.length; length += everyday(7)) {
      const cut = log.subarray(0, length);
      assert.equal(openWith("log.jsonl", cut, true), "refused", `at byte ${length}`);
      const isWhole = length === 0 || cut.at(-1) === 0x0a;
      const expected = length < head ? "refused" : isWhole ? "whole" : "cut";
      assert.equal(openWith("log.jsonl", cut, false), expected, `at byte ${length}`);
    }
  });

  it("zeros or rubbish behind the last whole record are cut off; so is a last record that was not synced and is damaged", () => {
    const log = original("log.jsonl");
    const last = log.lastIndexOf("\n", log.length - 2) + 1;
    const tails = [Buffer.alloc(4096), Buffer.from("{half"), Buffer.from("\n\n"), Buffer.alloc(9, "\0\n")];
    for (const tail of tails) {
      for (const synced of [true, false]) openWith("log.jsonl", Buffer.concat([log, tail]), synced);
      assert.match(problems[0] ?? "", new RegExp(`ends with ${tail.length} bytes .* goes on at version 13`));
    }
    for (let begin = last; begin < log.length; begin += everyday(5)) {
      const zeroed = Buffer.from(log).fill(0, begin);
      assert.equal(openWith("log.jsonl", zeroed, true), "refused");
      assert.equal(openWith("log.jsonl", zeroed, false), "cut");
    }
  });

  it("any flipped bit of a snapshot, and of a log but for its unsynced last record, is refused with its place", () => {
    const last = (name: string): number => original(name).lastIndexOf("\n", -2) + 1;
    for (const name of ["log.jsonl", "snapshot.jsonl"]) {
      const bits = original(name).length * 8;
      fc.assert(
        fc.property(fc.nat(bits - 1), (bit) => {
          assert.equal(openWith(name, flipped(name, bit), true), "refused");
          const expected = name === "log.jsonl" && bit >> 3 >= last(name) ? "cut" : "refused";
          assert.equal(openWith(name, flipped(name, bit), false), expected);
        }),
        runs(60),
      );
    }
  });

  it("a mark of what was synced that is damaged only says less", () => {
    fc.assert(
      fc.property(fc.nat(original("synced.json").length * 8 - 1), (bit) => {
        assert.equal(openWith("synced.json", flipped("synced.json", bit), true), "whole");
      }),
      runs(20),
    );
  });
});
