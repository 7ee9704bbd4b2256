import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { FolderInUse, lockFolder, lockHolder } from "./folder-lock.ts";
import { knownProcess } from "./known-process.ts";

let folder: string;
let lock: string;
/** A lock as somebody else has left it. */
function heldBy(text: string): void {
  mkdirSync(lock, { recursive: true });
  writeFileSync(join(lock, "holder.json"), text);
}

describe("the lock of a data folder", () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "teal-lock-"));
    lock = join(folder, "lock");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is held until it is given back, and leaves nothing behind", () => {
    const unlock = lockFolder(lock);
    assert.equal(lockHolder(lock)?.pid, process.pid);
    unlock();
    assert.equal(lockHolder(lock), undefined);
    assert.deepEqual(readdirSync(folder), []);
  });

  it("is refused while its holder runs", () => {
    const parent = knownProcess(process.ppid);
    assert.ok(parent !== undefined);
    heldBy(JSON.stringify(parent));
    assert.throws(
      () => lockFolder(lock),
      (error) => error instanceof FolderInUse && error.holder.pid === parent.pid,
    );
    assert.equal(lockHolder(lock)?.pid, parent.pid);
    assert.deepEqual(readdirSync(folder), ["lock"]);
  });

  it("is refused while a first version of Teal, whose lock was a file, has the folder", () => {
    const parent = knownProcess(process.ppid);
    writeFileSync(`${lock}.json`, JSON.stringify(parent));
    assert.throws(() => lockFolder(lock), FolderInUse);
    writeFileSync(`${lock}.json`, JSON.stringify({ pid: process.ppid, identity: "an earlier boot/7" }));
    lockFolder(lock)();
  });

  it("is taken over from a holder that has ended, although another process has its pid by now", () => {
    heldBy(JSON.stringify({ pid: process.ppid, identity: "an earlier boot/7" }));
    const unlock = lockFolder(lock);
    assert.equal(lockHolder(lock)?.pid, process.pid);
    unlock();
  });

  it("is taken over when its file is damaged", () => {
    heldBy("{");
    lockFolder(lock)();
    assert.ok(!existsSync(lock));
  });

  it("is taken over when only its folder is left", () => {
    mkdirSync(lock);
    lockFolder(lock)();
    mkdirSync(join(lock, "else"), { recursive: true });
    lockFolder(lock)();
    assert.deepEqual(readdirSync(folder), []);
  });

  it("is free in a copy of the folder while the original is in use", () => {
    const parent = knownProcess(process.ppid);
    const folderOfOriginal = "8:1";
    heldBy(JSON.stringify({ ...parent, folder: folderOfOriginal }));
    assert.equal(lockHolder(lock), undefined);
    lockFolder(lock)();
  });

  it("is not given back for somebody who has taken it meanwhile", () => {
    const unlock = lockFolder(lock);
    const other = JSON.stringify(knownProcess(process.ppid));
    heldBy(other);
    unlock();
    assert.equal(lockHolder(lock)?.pid, process.ppid);
  });
});
