import assert from "node:assert/strict";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { instant } from "../../../time/clock.ts";
import { type VolumeFile, writeAtomically } from "./atomic-files.ts";

let folder: string;
const now = instant(Date.UTC(2026, 10, 30, 3, 25, 38, 304));

function write(files: Readonly<Record<string, string | VolumeFile>>): void {
  const entries = Object.entries(files).map(
    ([path, file]) =>
      [path, typeof file === "string" ? { content: Buffer.from(file), mode: 0o644 } : file] as const,
  );
  writeAtomically(folder, new Map(entries), now);
}

describe("the files of a volume", () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "teal-volume-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("are links through ..data, as the kubelet makes them, with their modes", () => {
    write({ "a.conf": "alpha", "sub/dir/b": { content: Buffer.from("beta"), mode: 0o400 } });
    assert.deepEqual(readdirSync(folder).toSorted(), [
      "..2026_11_30_03_25_38.304000000",
      "..data",
      "a.conf",
      "sub",
    ]);
    assert.equal(readlinkSync(join(folder, "..data")), "..2026_11_30_03_25_38.304000000");
    assert.equal(readlinkSync(join(folder, "a.conf")), "..data/a.conf");
    assert.equal(readFileSync(join(folder, "sub/dir/b"), "utf8"), "beta");
    assert.equal(statSync(join(folder, "sub/dir/b")).mode & 0o777, 0o400);
  });

  it("all change by the change of one link, and nothing else in the volume does", () => {
    write({ a: "1", b: "1" });
    const before = readlinkSync(join(folder, "..data"));
    writeFileSync(join(folder, "left-by-a-program"), "");
    write({ a: "2", c: "2" });
    const after = readlinkSync(join(folder, "..data"));
    assert.notEqual(after, before);
    assert.deepEqual(
      readdirSync(folder).toSorted(),
      [after, "..data", "a", "c", "left-by-a-program"].toSorted(),
    );
    assert.equal(readFileSync(join(folder, "a"), "utf8"), "2");
  });

  it("are left as they are when nothing has changed, and written when only a mode has", () => {
    write({ a: "1" });
    const before = readlinkSync(join(folder, "..data"));
    write({ a: "1" });
    assert.equal(readlinkSync(join(folder, "..data")), before);
    write({ a: { content: Buffer.from("1"), mode: 0o600 } });
    assert.notEqual(readlinkSync(join(folder, "..data")), before);
  });
});
