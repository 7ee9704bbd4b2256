import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { RootFolder } from "../root-folder.ts";
import { openBlob } from "./oci-image.ts";
import { UnpackingLimit, unpackLayer } from "./unpack-layer.ts";

interface Entry {
  readonly path: string;
  readonly text?: string;
  readonly type?: string;
  readonly target?: string;
}

/** A tar archive, as POSIX has it. */
function tar(...entries: readonly Entry[]): Buffer {
  const blocks = entries.flatMap(({ path, text = "", type = "0", target = "" }) => {
    const header = Buffer.alloc(512);
    const size = Buffer.byteLength(text);
    header.write(path, 0, 100);
    header.write("0000755\0", 100);
    header.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
    header.write("00000000000\0", 136);
    header.write("        ", 148);
    header.write(type, 156);
    header.write(target, 157, 100);
    header.write("ustar\0" + "00", 257);
    const sum = header.reduce((all, byte) => all + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, Buffer.from(text), Buffer.alloc((512 - (size % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

let folder: string;
let root: RootFolder;
// Within each `describe`: tests of other files share the process.
function eachInFolder(): void {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "teal-layer-"));
    root = new RootFolder(join(folder, "root"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
}

const unpack = (bytes: Buffer): Promise<void> =>
  unpackLayer(Readable.from([bytes.subarray(0, 700), bytes.subarray(700)]), root, new UnpackingLimit());
const text = (path: string): string => readFileSync(join(root.path, path), "utf8");

describe("a layer", () => {
  eachInFolder();

  it("is laid over what is there, compressed or not, with links, long names and whiteouts", async () => {
    await unpack(
      tar(
        { path: "a/", type: "5" },
        { path: "./a/one", text: "1" },
        { path: "a/two", text: "2" },
        { path: "b/x", text: "x" },
      ),
    );
    const long = "n".repeat(150);
    const record = ` path=deep/${long}\n`;
    const pax = `${record.length + 3}${record}`;
    await unpack(
      gzipSync(
        tar(
          { path: "a/.wh.one" },
          { path: "b/.wh..wh..opq" },
          { path: "b/y", text: "y" },
          { path: "a/link", type: "1", target: "a/two" },
          { path: "a/soft", type: "2", target: "/b/y" },
          { path: "pax", type: "x", text: pax },
          { path: "short", text: "long" },
          { path: "device", type: "3" },
        ),
      ),
    );
    assert.deepEqual(readdirSync(join(root.path, "a")).toSorted(), ["link", "soft", "two"]);
    assert.deepEqual(readdirSync(join(root.path, "b")), ["y"]);
    assert.deepEqual([text("a/link"), text("a/soft"), text(`deep/${long}`)], ["2", "y", "long"]);
    assert.equal(statSync(join(root.path, "a/two")).mode & 0o777, 0o755);
    assert.equal(existsSync(join(root.path, "device")), false);
  });

  for (const [what, entries, error] of [
    ["a path that leads out", [{ path: "../evil", text: "x" }], /a path that leads out: \.\.\/evil/],
    ["a path that leads out within", [{ path: "a/../../evil", text: "x" }], /a path that leads out/],
    [
      "a link to a file of the machine",
      [{ path: "x", type: "1", target: "/etc/passwd" }],
      /a link to a file that it has not/,
    ],
    [
      "a circle of links",
      [
        { path: "a", type: "2", target: "b" },
        { path: "b", type: "2", target: "a" },
        { path: "a/x", text: "x" },
      ],
      /links lead in a circle/,
    ],
  ] as const) {
    it(`is refused for ${what}`, async () => {
      await assert.rejects(unpack(tar(...entries)), error);
      assert.deepEqual(readdirSync(folder), ["root"]);
    });
  }

  it("writes through no link out of the folder, its own or another's", async () => {
    symlinkSync(folder, join(root.path, "other"));
    await unpack(
      tar(
        { path: "out", type: "2", target: "../../.." },
        { path: "out/a", text: "a" },
        { path: "other/b", text: "b" },
        { path: "/c", text: "c" },
      ),
    );
    assert.deepEqual(readdirSync(folder), ["root"]);
    assert.deepEqual([text("a"), text("c")], ["a", "c"]);
    assert.equal(readlinkSync(join(root.path, "out")), ".");
  });

  it("gives modes to its own folders only, whatever it puts in their places", async () => {
    const other = join(folder, "other");
    mkdirSync(join(other, "x"), { recursive: true, mode: 0o700 });
    await unpack(
      tar(
        { path: "d/", type: "5" },
        { path: "d/x/", type: "5" },
        // Links into the kernel's folders are left as they are, and this one leads out of them again.
        { path: "d", type: "2", target: `/proc/..${other}` },
      ),
    );
    assert.equal(statSync(join(other, "x")).mode & 0o777, 0o700);
  });

  it("is refused when its headers for one file have no end", async () => {
    const record = `${" comment=".padEnd(400_000, "x")}\n`;
    const header = { path: "pax", type: "x", text: `${record.length + 6}${record}` };
    const headers = [header, header, header];
    await assert.rejects(unpack(tar(...headers, { path: "a", text: "a" })), /header of more than a megabyte/);
  });

  it("is read to its end, so that damage is found", async () => {
    const bytes = Buffer.concat([tar({ path: "a", text: "good" }), Buffer.alloc(200_000)]);
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    const path = join(folder, "blob");
    const unpackBlob = () => unpackLayer(openBlob({ path: () => path }, digest), root, new UnpackingLimit());
    writeFileSync(path, bytes);
    await unpackBlob();
    bytes.write("evil", 512);
    writeFileSync(path, bytes);
    await assert.rejects(unpackBlob(), /its content has another digest/);
  });

  it("closes what it comes from when it is refused in the middle", async () => {
    const source = Readable.from([tar({ path: "../a", text: "x" }), Buffer.alloc(512), Buffer.alloc(512)]);
    await assert.rejects(unpackLayer(source, root, new UnpackingLimit()), /leads out/);
    assert.equal(source.destroyed, true);
  });

  for (const [what, bytes] of [
    ["no archive", Buffer.from("x".repeat(2000))],
    ["cut off", tar({ path: "a", text: "x".repeat(3000) }).subarray(0, 2000)],
  ] as const) {
    it(`is refused when it is ${what}`, () =>
      assert.rejects(unpack(bytes), /no tar archive|ends in the middle/));
  }

  it("may hold no more than it is granted", () => {
    const limit = new UnpackingLimit();
    assert.throws(() => limit.take(17 * 1024 ** 3), /more than 16 GiB/);
  });
});
