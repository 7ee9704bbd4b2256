import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { KubernetesObject } from "../../api/core.ts";
import { ManualClock } from "../../time/manual-clock.ts";
import { type Disk, systemDisk } from "./disk.ts";
import { FileJournal, type SyncMode } from "./file-journal.ts";
import { WriteFailed } from "./journal.ts";
import { Store } from "./store.ts";

const object = (name: string, metadata: object = {}, length = 0): KubernetesObject =>
  ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: "default", ...metadata },
    data: { text: "x".repeat(length) },
  }) as KubernetesObject;

const failure = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code });

/** A real disk with bad days. */
class FailingDisk implements Disk {
  /** Bytes that still find room. */
  room = Number.POSITIVE_INFINITY;
  failsToTruncate = false;
  failsToSync = false;
  syncs = 0;
  syncsUnderWay = 0;
  mostSyncsUnderWay = 0;

  write(file: number, bytes: Buffer, offset: number, length: number, position: number): number {
    const fits = Math.min(length, this.room);
    if (fits === 0) throw failure("ENOSPC");
    this.room -= fits;
    return systemDisk.write(file, bytes, offset, fits, position);
  }

  truncate(file: number, length: number): void {
    if (this.failsToTruncate) throw failure("EIO");
    systemDisk.truncate(file, length);
  }

  sync(file: number, done: (error: Error | null) => void): void {
    this.syncs += 1;
    this.syncsUnderWay += 1;
    this.mostSyncsUnderWay = Math.max(this.mostSyncsUnderWay, this.syncsUnderWay);
    systemDisk.sync(file, (error) => {
      this.syncsUnderWay -= 1;
      done(this.failsToSync ? failure("EIO") : error);
    });
  }

  syncNow(file: number): void {
    this.syncs += 1;
    if (this.failsToSync) throw failure("EIO");
    systemDisk.syncNow(file);
  }
}

describe("a store on a failing disk", () => {
  let folder = "";
  let disk = new FailingDisk();
  let clock = new ManualClock();
  let problems: string[] = [];
  const file = (name: string): string => join(folder, name);
  const open = (sync: SyncMode = "background"): Store =>
    new Store({
      journal: new FileJournal(folder, { clock, disk, sync, onProblem: (text) => problems.push(text) }),
    });
  const names = (store: Store): string[] => store.list("configmaps").map(({ metadata }) => metadata.name);
  const put = (store: Store, name: string, length = 0): unknown =>
    store.put("configmaps", object(name, {}, length));
  const synced = (): number => JSON.parse(readFileSync(file("synced.json"), "utf8")).synced;
  /** Lets so much time pass, and a sync that is due then come to its end. */
  const pass = async (seconds: number): Promise<void> => {
    await clock.advance(seconds);
    while (disk.syncsUnderWay > 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.settle();
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "teal-disk-"));
    disk = new FailingDisk();
    clock = new ManualClock();
    problems = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("keeps nothing of a write that found no room, and the writes after it", () => {
    const store = open();
    put(store, "a");
    disk.room = 50;
    assert.throws(
      () => put(store, "b"),
      (error) => error instanceof WriteFailed && error.isDiskFull,
    );
    assert.deepEqual(names(store), ["a"]);
    assert.equal(store.version, 1);
    disk.room = Number.POSITIVE_INFINITY;
    put(store, "c");
    const again = open();
    assert.deepEqual(names(again), ["a", "c"]);
    assert.equal(again.version, 2);
    again.close();
    store.close();
  });

  it("never writes behind half a line, also when that could not be taken back at once", () => {
    const store = open();
    put(store, "a");
    disk.room = 100;
    disk.failsToTruncate = true;
    assert.throws(() => put(store, "long", 5000), WriteFailed);
    disk.room = Number.POSITIVE_INFINITY;
    assert.throws(() => put(store, "b"), WriteFailed);
    disk.failsToTruncate = false;
    put(store, "c");
    store.close();
    problems = [];
    const again = open();
    assert.deepEqual(names(again), ["a", "c"]);
    assert.deepEqual(problems, []);
    again.close();
  });

  it("takes objects away on a full disk, refuses all else until there is room, and then goes on by itself", () => {
    const store = open();
    for (const name of ["a", "b", "c"]) put(store, name);
    assert.ok(existsSync(file("reserve")));
    // What the reserve gives back is room for deletions; the rest of the disk stays full.
    disk.room = 0;
    assert.throws(() => put(store, "d"), WriteFailed);
    disk.room = 1000;
    assert.ok(!existsSync(file("reserve")), "its room is given back");
    store.put("configmaps", object("a", { deletionTimestamp: "2026-01-01T00:00:00Z" }));
    store.remove("configmaps", "default", "a");
    assert.throws(() => put(store, "d"), WriteFailed, "that room is not for it");
    assert.deepEqual(names(store), ["b", "c"]);
    disk.room = Number.POSITIVE_INFINITY;
    put(store, "d");
    assert.ok(existsSync(file("reserve")), "it is held again");
    store.close();
    const again = open();
    assert.deepEqual(names(again), ["b", "c", "d"]);
    again.close();
  });

  it("syncs in the background a second after a write, once a second at most, and says up to where", async () => {
    const store = open();
    assert.equal(disk.syncs, 0);
    for (const name of ["a", "b", "c"]) put(store, name);
    await pass(0.9);
    assert.equal(disk.syncs, 0);
    await pass(0.1);
    assert.equal(disk.syncs, 1);
    assert.equal(synced(), 3);
    await pass(60);
    assert.equal(disk.syncs, 1, "nothing was written");
    assert.equal(clock.pending, 0);
    for (let tenth = 0; tenth < 30; tenth += 1) {
      put(store, "a");
      await pass(0.1);
    }
    await pass(1);
    assert.ok(disk.syncs <= 5, `${disk.syncs} syncs in 4 s`);
    assert.equal(disk.mostSyncsUnderWay, 1);
    assert.equal(synced(), 33);
    store.close();
  });

  it("syncs before it answers when told so", () => {
    const store = open("always");
    put(store, "a");
    put(store, "b");
    assert.equal(disk.syncs, 2);
    store.close();
  });

  it("has synced all when it was closed", () => {
    const store = open();
    put(store, "a");
    store.close();
    assert.equal(synced(), 1);
  });

  it("writes everything anew after a sync that failed", async () => {
    const store = open();
    put(store, "a");
    put(store, "b");
    disk.failsToSync = true;
    await pass(1);
    assert.match(
      problems[0] ?? "",
      /the disk failed to keep .*log\.jsonl \(EIO: injected\): everything is written anew/,
    );
    assert.match(problems[1] ?? "", /everything is on the disk again, up to version 2/);
    assert.match(readFileSync(file("snapshot.jsonl"), "utf8"), /"snapshot":2/);
    assert.equal(synced(), 2);
    put(store, "c");
    disk.failsToSync = false;
    store.close();
    const again = open();
    assert.deepEqual(names(again), ["a", "b", "c"]);
    again.close();
  });

  it("refuses writes after a sync that failed until everything could be written anew", async () => {
    const store = open();
    put(store, "a");
    disk.failsToSync = true;
    disk.room = 0;
    await pass(1);
    assert.throws(
      () => put(store, "b"),
      (error) => error instanceof WriteFailed && !error.isDiskFull,
    );
    assert.deepEqual(names(store), ["a"], "reading goes on");
    await pass(10);
    assert.throws(() => put(store, "b"), /EIO/);
    disk.failsToSync = false;
    disk.room = Number.POSITIVE_INFINITY;
    await pass(10);
    put(store, "b");
    assert.equal(problems.filter((text) => text.startsWith("the disk failed")).length, 1);
    store.close();
    assert.equal(clock.pending, 0);
  });

  it("answers no write that was to be synced and was not", () => {
    const store = open("always");
    put(store, "a");
    disk.failsToSync = true;
    assert.throws(() => put(store, "b"), /EIO/);
    disk.failsToSync = false;
    assert.deepEqual(names(store), ["a"]);
    put(store, "c");
    const again = open();
    assert.deepEqual(names(again), ["a", "c"]);
    again.close();
    store.close();
  });
});
