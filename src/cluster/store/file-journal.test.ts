import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { crc32 } from "node:zlib";
import type { KubernetesObject } from "../../api/core.ts";
import { ManualClock } from "../../time/manual-clock.ts";
import { FileJournal, type FileJournalOptions } from "./file-journal.ts";
import { StoreUnreadable } from "./journal-files.ts";
import { recordLine } from "./record.ts";
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
  const problems: string[] = [];
  const journalOf = (options: Partial<FileJournalOptions> = {}): FileJournal =>
    new FileJournal(folder, {
      clock: new ManualClock(),
      onProblem: (text) => problems.push(text),
      ...options,
    });
  const open = (options: Partial<FileJournalOptions> = {}): Store =>
    new Store({ journal: journalOf(options) });
  /** With a log that is compacted before each write. */
  const openCompacting = (): Store => open({ compactFromBytes: 0 });
  const names = (store: Store): string[] => store.list("configmaps").map(({ metadata }) => metadata.name);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "teal-store-"));
    problems.length = 0;
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

  it("compacts into a snapshot and goes on", () => {
    const store = openCompacting();
    for (const name of ["a", "b", "c"]) store.put("configmaps", object(name));
    store.close();
    assert.doesNotMatch(logText(), /"version":1,/);
    const again = open();
    assert.deepEqual(names(again), ["a", "b", "c"]);
    assert.equal(again.version, 3);
    assert.throws(() => again.changesSince(0, "configmaps"), HistoryExpired);
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
    const store = openCompacting();
    mkdirSync(file("snapshot.jsonl.new"));
    store.put("configmaps", object("a"));
    store.put("configmaps", object("b"));
    rmdirSync(file("snapshot.jsonl.new"));
    assert.match(problems[0] ?? "", /cannot compact .*log\.jsonl, which goes on growing: EISDIR/);
    store.close();
    const again = open();
    assert.deepEqual(names(again), ["a", "b"]);
    again.close();
  });

  it("reads on when it was killed between the snapshot and the new log", () => {
    const store = openCompacting();
    store.put("configmaps", object("a"));
    store.put("configmaps", object("b"));
    store.remove("configmaps", "default", "b");
    const log = logText();
    store.put("configmaps", object("d"));
    store.close();
    rmSync(file("synced.json"));
    assert.match(readFileSync(file("snapshot.jsonl"), "utf8"), /"snapshot":3}/);
    writeFileSync(file("log.jsonl"), log);
    const again = open();
    assert.deepEqual(names(again), ["a"]);
    again.put("configmaps", object("c"));
    again.close();
    const later = open();
    assert.deepEqual(names(later), ["a", "c"]);
    later.close();
  });

  it("leaves no half snapshot on a full disk", { skip: !existsSync("/dev/full") }, () => {
    const store = openCompacting();
    symlinkSync("/dev/full", file("snapshot.jsonl.new"));
    store.put("configmaps", object("a"));
    store.close();
    assert.match(problems.join(), /ENOSPC/);
    assert.ok(!existsSync(file("snapshot.jsonl.new")));
  });

  it("has a checksum in every line, and lines that people and tools can read", () => {
    withThreeWrites();
    const lines = logText().trim().split("\n");
    for (const line of lines) {
      const [, checksum, rest = ""] = /^\{"crc32":"([0-9a-f]{8})",(.*)$/s.exec(line) ?? [];
      assert.equal(crc32(rest).toString(16).padStart(8, "0"), checksum);
    }
    assert.equal(JSON.parse(lines[1] ?? "").object.metadata.name, "a");
  });

  it("reads data from before checksums, and writes it anew with them", () => {
    const old = [{ snapshot: 1 }, { collection: "configmaps", object: object("a", { k: "ä" }) }, { end: 1 }];
    const written = (lines: readonly object[]): string =>
      lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    writeFileSync(file("snapshot.jsonl"), written(old));
    const log = written([
      { logAfter: 1 },
      { version: 2, collection: "configmaps", object: object("b") },
      { version: 3, collection: "configmaps", deleted: { namespace: "default", name: "a" } },
    ]);
    writeFileSync(file("log.jsonl"), `${log}{"version":4,"coll`);
    const store = open();
    assert.deepEqual(names(store), ["b"]);
    assert.match(problems.join(), /ends with 18 bytes that are no whole record/);
    store.put("configmaps", object("c"));
    store.close();
    assert.match(
      readFileSync(file("snapshot.jsonl"), "utf8"),
      /^\{"crc32":"[0-9a-f]{8}","format":2,"snapshot":3\}/,
    );
    const again = open();
    assert.deepEqual(names(again), ["b", "c"]);
    assert.equal(again.version, 4);
    again.close();
  });

  for (const name of ["log.jsonl", "snapshot.jsonl"]) {
    it(`refuses a ${name} of a newer format, and says what to do`, () => {
      const store = openCompacting();
      store.put("configmaps", object("a"));
      store.put("configmaps", object("b"));
      store.close();
      const [head = "", ...rest] = readFileSync(file(name), "utf8").split("\n");
      const { crc32: _, ...fields } = JSON.parse(head);
      const newer = recordLine(JSON.stringify({ ...fields, format: 3 })).toString();
      writeFileSync(file(name), newer + rest.join("\n"));
      assert.throws(
        open,
        /line 1: format 3, written by a newer Teal; this one reads formats up to 2\. Nothing was changed\. Start that newer Teal/,
      );
    });
  }

  const corruptions: readonly [
    what: string,
    spoil: (log: string) => string,
    line: number,
    problem: RegExp,
  ][] = [
    [
      "a broken line in the middle",
      (log) => log.replace('"version":2', '"vers'),
      3,
      /damaged \(checksum .*\), with a whole record behind it in line 4/,
    ],
    ["a letter of a value that has become another", (log) => log.replace("ä", "å"), 2, /damaged/],
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
    ["nothing at all", () => "", 1, /not the head of a log/],
    [
      "a snapshot that is gone",
      () => recordLine('{"format":2,"logAfter":7}').toString(),
      1,
      /the snapshot ends at 0/,
    ],
    [
      "a synced end that is missing",
      (log) => log.split("\n").toSpliced(3, 1).join("\n"),
      4,
      /the log ends at version 2, but version 3 had been written and synced/,
    ],
    [
      "a synced end that is damaged",
      (log) => log.replace('"name":"b"}', '"name":"c"}'),
      4,
      /the log ends at version 2, but version 3 had been written and synced/,
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
          /Nothing was changed\. Restore (this file|the folder .*) from a copy[,;] or (move the folder|go on with version)/,
        );
        return true;
      });
      assert.equal(logText(), spoilt);
    });
  }

  it("stops at a snapshot that is cut off", () => {
    const store = openCompacting();
    store.put("configmaps", object("a"));
    store.put("configmaps", object("b"));
    store.close();
    const snapshot = readFileSync(file("snapshot.jsonl"), "utf8");
    writeFileSync(file("snapshot.jsonl"), snapshot.split("\n").slice(0, 2).join("\n").concat("\n"));
    assert.throws(open, /snapshot\.jsonl, line 2: the snapshot is not complete/);
  });

  it("stops when all its files but the mark of what was synced are gone", () => {
    withThreeWrites();
    rmSync(file("log.jsonl"));
    assert.throws(open, /log\.jsonl, line 1: the file is missing/);
  });
});
