import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { writeWhole } from "./whole-file.ts";

describe("a file that is written whole", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "teal-private-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("follows no link that waits beside it", () => {
    const other = join(folder, "other");
    writeFileSync(other, "mine");
    symlinkSync(other, join(folder, `.token.${process.pid}.new`));
    writeWhole(join(folder, "token"), "secret");
    assert.equal(readFileSync(other, "utf8"), "mine");
    assert.equal(readFileSync(join(folder, "token"), "utf8"), "secret");
  });

  it("is for the owner only, whatever lay there unfinished", () => {
    writeFileSync(join(folder, `.token.${process.pid}.new`), "", { mode: 0o644 });
    writeWhole(join(folder, "token"), "secret");
    assert.equal(statSync(join(folder, "token")).mode & 0o777, 0o600);
  });
});
