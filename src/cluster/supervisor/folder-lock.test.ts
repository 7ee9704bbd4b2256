import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { FolderInUse, lockFolder, lockHolder } from "./folder-lock.ts";
import { knownProcess } from "./known-process.ts";

let folder: string;
let file: string;
describe("the lock of a data folder", () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "teal-lock-"));
    file = join(folder, "lock.json");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is held until it is given back, and leaves nothing behind", () => {
    const unlock = lockFolder(file);
    assert.equal(lockHolder(file)?.pid, process.pid);
    unlock();
    assert.equal(lockHolder(file), undefined);
    assert.deepEqual(readdirSync(folder), []);
  });

  it("is refused while its holder runs", () => {
    const parent = knownProcess(process.ppid);
    assert.ok(parent !== undefined);
    writeFileSync(file, JSON.stringify(parent));
    assert.throws(
      () => lockFolder(file),
      (error) => error instanceof FolderInUse && error.holder.pid === parent.pid,
    );
    assert.equal(lockHolder(file)?.pid, parent.pid);
    assert.deepEqual(readdirSync(folder), ["lock.json"]);
  });

  it("is taken over from a holder that has ended, although another process has its pid by now", () => {
    writeFileSync(file, JSON.stringify({ pid: process.ppid, identity: "an earlier boot/7" }));
    const unlock = lockFolder(file);
    assert.equal(lockHolder(file)?.pid, process.pid);
    unlock();
  });

  it("is taken over when its file is damaged", () => {
    writeFileSync(file, "{");
    lockFolder(file)();
    assert.ok(!existsSync(file));
  });

  it("is free in a copy of the folder while the original is in use", () => {
    const parent = knownProcess(process.ppid);
    const folderOfOriginal = "8:1";
    writeFileSync(file, JSON.stringify({ ...parent, folder: folderOfOriginal }));
    assert.equal(lockHolder(file), undefined);
    lockFolder(file)();
  });

  it("is not given back for somebody who has taken it meanwhile", () => {
    const unlock = lockFolder(file);
    const other = JSON.stringify(knownProcess(process.ppid));
    writeFileSync(file, other);
    unlock();
    assert.equal(lockHolder(file)?.pid, process.ppid);
  });
});
