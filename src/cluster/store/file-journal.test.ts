import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { KubernetesObject } from "../../api/core.ts";
import { FileJournal } from "./file-journal.ts";
import { WriteFailed } from "./journal.ts";
import { StoreUnreadable } from "./journal-files.ts";
import { HistoryExpired, Store } from "./store.ts";

const object = (name: string, data: object = {}): KubernetesObject & { data: object } => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default" },
  data,
});

describe("a store on disk", () => {
  let folder = "";
  const file = (name: string): string => join(folder, name);
  const logText = (): string => readFileSync(file("log.jsonl"), "utf8");
  const open = (): Store => new Store({ journal: new FileJournal(folder) });
  const names = (store: Store): string[] => store.list("configmaps").map(({ metadata }) => metadata.name);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "teal-store-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const withThreeWrites = (): void => {
    const store = open();
    store.put("configmaps", object("a", { k: "ä\n\u2028" }));
    store.put("configmaps", object("b"));
    store.remove("configmaps", "default", "b");
    store.close();
  };

  it("has every answered write after a start anew, also when it was never closed", () => {
    const store = open();
    store.put("configmaps", object("a", { k: "1" }));
    store.put("configmaps", object("b"));
    store.remove("configmaps", "default", "a");
    const again = open();
    assert.deepEqual(again.list("configmaps"), store.list("configmaps"));
    assert.equal(again.version, 3);
    assert.equal(again.put("configmaps", object("c")).metadata.resourceVersion, "4");
    again.close();
    store.close();
  });

  it("lets watches go on from before the start", () => {
    withThreeWrites();
    const store = open();
    assert.deepEqual(
      store.changesSince(1, "configmaps").map(({ type, version }) => [type, version]),
      [
        ["ADDED", 2],
        ["DELETED", 3],
      ],
    );
    store.close();
  });

  it("survives a kill at every byte of its last line: the line counts when it is whole, else it never was", () => {
    withThreeWrites();
    const whole = readFileSync(file("log.jsonl"));
    const lastLine = whole.lastIndexOf("\n", whole.length - 2) + 1;
    for (let length = lastLine; length <= whole.length; length += 1) {
      writeFileSync(file("log.jsonl"), whole.subarray(0, length));
      const store = open();
      assert.deepEqual(names(store), length === whole.length ? ["a"] : ["a", "b"]);
      store.put("configmaps", object("z"));
      store.close();
      const again = open();
      assert.ok(names(again).includes("z"), `a write after a cut at byte ${length} is kept`);
      again.close();
    }
  });

  it("compacts into a snapshot and goes on", () => {
    const journal = new FileJournal(folder);
    const store = new Store({ journal });
    store.put("configmaps", object("a"));
    store.put("configmaps", object("b"));
    journal.compact(
      store.version,
      store.list("configmaps").map((each) => ({ collection: "configmaps", object: each })),
    );
    store.put("configmaps", object("c"));
    store.close();
    assert.equal(logText().split("\n").length, 3, "a head, one write, the end");
    const again = open();
    assert.deepEqual(names(again), ["a", "b", "c"]);
    assert.equal(again.version, 3);
    assert.throws(() => again.changesSince(1, "configmaps"), HistoryExpired);
    again.close();
  });

  it("compacts by itself when the log has grown beyond what is alive", () => {
    const store = open();
    const text = "x".repeat(500_000);
    for (let round = 0; round < 40; round += 1) store.put("configmaps", object("a", { text, round }));
    store.close();
    assert.ok(logText().length < 10_000_000);
    const again = open();
    assert.deepEqual(again.get("configmaps", "default", "a"), store.get("configmaps", "default", "a"));
    again.close();
  });

  it("goes on with its log when it cannot compact, says so, and loses nothing", () => {
    const problems: string[] = [];
    const journal = new FileJournal(folder, (text) => problems.push(text));
    const store = new Store({ journal });
    store.put("configmaps", object("a"));
    mkdirSync(file("snapshot.jsonl.new"));
    journal.compact(1, [{ collection: "configmaps", object: object("a") }]);
    rmdirSync(file("snapshot.jsonl.new"));
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? "", /cannot compact .*log\.jsonl, which goes on growing: EISDIR/);
    store.put("configmaps", object("b"));
    store.close();
    const again = open();
    assert.deepEqual(names(again), ["a", "b"]);
    again.close();
  });

  it("leaves nothing of a long cut-off line behind a shorter one", () => {
    const store = open();
    store.put("configmaps", object("a"));
    store.close();
    appendFileSync(file("log.jsonl"), `{"version":2,"collection":"configmaps","object":${"x".repeat(5000)}`);
    const next = open();
    next.put("configmaps", object("b"));
    next.close();
    const again = open();
    assert.deepEqual(names(again), ["a", "b"]);
    again.close();
  });

  it("reads on when it was killed between the snapshot and the new log", () => {
    const journal = new FileJournal(folder);
    const store = new Store({ journal });
    const compact = (): void =>
      journal.compact(
        store.version,
        store.list("configmaps").map((each) => ({ collection: "configmaps", object: each })),
      );
    store.put("configmaps", object("a"));
    store.put("configmaps", object("b"));
    compact();
    store.remove("configmaps", "default", "b");
    const log = logText();
    compact();
    store.close();
    writeFileSync(file("log.jsonl"), log);
    const again = open();
    assert.deepEqual(names(again), ["a"]);
    assert.equal(again.version, 3);
    again.put("configmaps", object("c"));
    again.close();
    const later = open();
    assert.deepEqual(names(later), ["a", "c"]);
    later.close();
  });

  it("goes on after a power cut that took the end of the log but not the snapshot of it", () => {
    const journal = new FileJournal(folder);
    const store = new Store({ journal });
    store.put("configmaps", object("a"));
    const log = logText();
    store.put("configmaps", object("b"));
    const objects = store.list("configmaps").map((each) => ({ collection: "configmaps", object: each }));
    journal.compact(store.version, objects);
    store.close();
    writeFileSync(file("log.jsonl"), log);
    const again = open();
    again.put("configmaps", object("c"));
    again.close();
    const later = open();
    assert.deepEqual(names(later), ["a", "b", "c"]);
    later.close();
  });

  it("leaves no half snapshot on a full disk", { skip: !existsSync("/dev/full") }, () => {
    const problems: string[] = [];
    const journal = new FileJournal(folder, (text) => problems.push(text));
    const store = new Store({ journal });
    store.put("configmaps", object("a"));
    symlinkSync("/dev/full", file("snapshot.jsonl.new"));
    journal.compact(1, [{ collection: "configmaps", object: object("a") }]);
    store.close();
    assert.match(problems.join(), /ENOSPC/);
    assert.deepEqual(readdirSync(folder), ["log.jsonl"]);
  });

  const corruptions: readonly [
    what: string,
    spoil: (log: string) => string,
    line: number,
    problem: RegExp,
  ][] = [
    ["a broken line in the middle", (log) => log.replace('{"version":2', '{"vers'), 3, /not JSON/],
    [
      "a line that is missing",
      (log) => log.split("\n").toSpliced(2, 1).join("\n"),
      3,
      /version 3 where 2 was expected/,
    ],
    [
      "a line twice",
      (log) =>
        log
          .split("\n")
          .flatMap((line, index) => (index === 1 ? [line, line] : [line]))
          .join("\n"),
      3,
      /version 1 where 2/,
    ],
    ["no head", (log) => log.split("\n").slice(1).join("\n"), 1, /not the head of a log/],
    ["an object without a name", (log) => log.replace('"name":"a",', ""), 2, /without collection or name/],
    ["a line of zeros", (log) => `${log}\0\0\0\n`, 5, /not JSON/],
    [
      "a snapshot that is gone",
      (log) => log.replace('{"logAfter":0}', '{"logAfter":7}'),
      1,
      /the snapshot ends at 0/,
    ],
  ];
  for (const [what, spoil, line, problem] of corruptions) {
    it(`stops at ${what}, says where and what to do, and changes nothing`, () => {
      withThreeWrites();
      const spoilt = spoil(logText());
      writeFileSync(file("log.jsonl"), spoilt);
      assert.throws(open, (error: unknown) => {
        assert.ok(error instanceof StoreUnreadable);
        assert.equal(error.line, line);
        assert.equal(error.file, file("log.jsonl"));
        assert.match(error.message, problem);
        assert.match(
          error.message,
          /Nothing was changed\. Restore this file from a copy, or move the folder .* away/,
        );
        return true;
      });
      assert.equal(logText(), spoilt);
    });
  }

  it("stops at a snapshot that is cut off", () => {
    const journal = new FileJournal(folder);
    const store = new Store({ journal });
    store.put("configmaps", object("a"));
    journal.compact(1, [{ collection: "configmaps", object: object("a") }]);
    store.close();
    const snapshot = readFileSync(file("snapshot.jsonl"), "utf8");
    writeFileSync(file("snapshot.jsonl"), snapshot.split("\n").slice(0, 2).join("\n").concat("\n"));
    assert.throws(open, /snapshot\.jsonl, line 2: the snapshot is not complete/);
  });

  it("keeps nothing of a write that the disk refused", () => {
    const journal = new FileJournal(folder);
    const store = new Store({ journal });
    store.put("configmaps", object("a"));
    const refusing = new Store({
      journal: {
        load: () => ({ version: 0, objects: [], entriesAfter: 0, entries: [] }),
        append: () => {
          throw new WriteFailed(new Error("no space left on device"));
        },
        wantsCompaction: false,
        compact: () => {},
        close: () => {},
      },
    });
    assert.throws(() => refusing.put("configmaps", object("a")), WriteFailed);
    assert.deepEqual(refusing.list("configmaps"), []);
    assert.equal(refusing.version, 0);
    store.close();
    appendFileSync(file("log.jsonl"), "{half");
    const again = open();
    assert.deepEqual(names(again), ["a"]);
    again.close();
  });
});
