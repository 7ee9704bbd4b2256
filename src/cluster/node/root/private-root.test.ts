import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { SystemClock } from "../../../time/system-clock.ts";
import { linkRoot, rewritePaths } from "./linked-root.ts";
import { type Mount, mountsOf } from "./mounts.ts";
import {
  failureIn,
  inPrivateRoot,
  type Program,
  type RootPermission,
  rootPermission,
} from "./private-root.ts";
import { makeRoot } from "./root-folder.ts";

let folder: string;
let permission: RootPermission;

const program = (command: readonly string[], environment = {}): Program => ({
  command,
  folder: "/",
  environment: { PATH: "/usr/bin:/bin", ...environment },
});

function source(name: string): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "file"), name);
  return path;
}

function wrap(mounts: readonly Mount[], inner: Program, by: Exclude<RootPermission, "none">) {
  const root = join(folder, "root");
  return inPrivateRoot(by, root, makeRoot(root, mounts), inner);
}

function run(mounts: readonly Mount[], inner: Program) {
  if (permission === "none") throw new Error("this machine lets no program have a root of its own");
  const { command, environment } = wrap(mounts, inner, permission);
  const [first = "", ...args] = command;
  const result = spawnSync(first, args, { env: environment, stdio: ["ignore", "pipe", "pipe", "pipe"] });
  return { code: result.status, out: String(result.output[1]), report: String(result.output[3]) };
}

const mount = (at: string, from: string, isReadOnly = false): Mount => ({
  source: from,
  target: at,
  isReadOnly,
});

describe("a root of a container's own", () => {
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "teal-root-"));
    permission = await rootPermission((by) => wrap([], program(["true"]), by), new SystemClock());
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("shows mounts where the machine has nothing, beside all that it has", (test) => {
    if (permission === "none") return test.skip("not permitted here");
    const mounts = [
      mount("/etc/teal-test/config", source("config"), true),
      mount("/teal-data", source("data")),
    ];
    const script =
      "cat /etc/teal-test/config/file /teal-data/file; test -s /etc/passwd && test -c /dev/null && test -d /proc/self && echo +";
    assert.deepEqual(run(mounts, program(["sh", "-c", script])), {
      code: 0,
      out: "configdata+\n",
      report: "",
    });
    assert.equal(existsSync("/etc/teal-test"), false);
    assert.equal(existsSync("/teal-data"), false);
  });

  it("keeps a read-only mount from being written to, and another one's files for who else mounts it", (test) => {
    if (permission === "none") return test.skip("not permitted here");
    const mounts = [mount("/teal-ro", source("ro"), true), mount("/teal-rw", source("rw"))];
    const script = "echo x 2>/dev/null >/teal-ro/new || echo refused; echo y >/teal-rw/new";
    assert.equal(run(mounts, program(["sh", "-c", script])).out, "refused\n");
    assert.equal(readFileSync(join(folder, "rw/new"), "utf8"), "y\n");
  });

  it("has mounts in mounts, and files", (test) => {
    if (permission === "none") return test.skip("not permitted here");
    const file = join(source("one"), "file");
    const mounts = [
      mount("/teal-outer", source("outer")),
      mount("/teal-outer/in/ner", source("inner")),
      mount("/etc/teal-file", file),
    ];
    const { out } = run(mounts, program(["cat", "/teal-outer/in/ner/file", "/etc/teal-file"]));
    assert.equal(out, "innerone");
  });

  it("makes nothing where a link in a volume leads out of it", () => {
    const [volume, outside] = [source("volume"), source("outside")];
    symlinkSync(outside, join(volume, "link"));
    const mounts = [mount("/d", volume), mount("/d/link/new", source("other"))];
    assert.throws(
      () => makeRoot(join(folder, "odd-root"), mounts),
      /cannot mount at \/d\/link\/new: a link in what is mounted at \/d leads out of it/,
    );
    assert.equal(existsSync(join(outside, "new")), false);
  });

  it("passes on every variable, whatever its name, and nothing else", (test) => {
    if (permission === "none") return test.skip("not permitted here");
    const { out } = run([], program(["env"], { "a.b-c": "1 2\n3" }));
    assert.deepEqual(out, "PATH=/usr/bin:/bin\na.b-c=1 2\n3\n");
  });

  for (const [command, why] of [
    [["teal-no-such-program"], "no such program"],
    [["/no/such/program"], "no such program"],
    [["/etc/passwd"], "it is not executable"],
  ] as const) {
    it(`tells why ${command[0]} does not begin`, (test) => {
      if (permission === "none") return test.skip("not permitted here");
      assert.equal(failureIn(run([], program(command)).report), why);
    });
  }
});

describe("where no root is permitted", () => {
  it("mounts are links below a folder, and the manifest's texts name them", () => {
    const root = mkdtempSync(join(tmpdir(), "teal-links-"));
    try {
      const here = join(root, "root");
      const data = join(root, "data");
      mkdirSync(data);
      writeFileSync(join(data, "x"), "content");
      linkRoot(here, [mount("/etc/config", data)]);
      assert.equal(readFileSync(join(here, "etc/config/x"), "utf8"), "content");
      const rewrite = rewritePaths(here, ["/etc/config", "/etc"]);
      assert.equal(rewrite("--file=/etc/config/x"), `--file=${here}/etc/config/x`);
      assert.equal(rewrite("/etc/configuration /my/etc/config"), `${here}/etc/configuration /my/etc/config`);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe("a part of a volume", () => {
  let volume: string;
  before(() => {
    volume = mkdtempSync(join(tmpdir(), "teal-part-"));
    mkdirSync(join(volume, "v"));
  });
  after(() => rmSync(volume, { recursive: true }));

  const mounts = (volumeMount: object) =>
    mountsOf(
      { name: "main", volumeMounts: [{ name: "v", mountPath: "/a/../b/", ...volumeMount }] },
      (name) => (name === "v" ? { path: join(volume, "v"), isReadOnly: false } : undefined),
      (text) => text.replace("$(POD)", "web"),
    );

  it("is made when it is not there, by its name or that of a variable", () => {
    assert.deepEqual(mounts({ subPathExpr: "logs/$(POD)" }), [
      { source: join(volume, "v/logs/web"), target: "/b", isReadOnly: false },
    ]);
    assert.equal(existsSync(join(volume, "v/logs/web")), true);
  });

  it("never leads out of the volume", () => {
    for (const subPath of ["../other", "/etc", "a/../../x"])
      assert.throws(() => mounts({ subPath }), { reason: "CreateContainerConfigError" });
    assert.throws(() => mounts({ name: "no" }), /volume "no" is not there/);
  });

  it("is not made where a link in the volume leads out of it", () => {
    symlinkSync(volume, join(volume, "v/link"));
    assert.throws(
      () => mounts({ subPath: "link/new/folder" }),
      /"link\/new\/folder" leads out of the volume/,
    );
    assert.equal(existsSync(join(volume, "new")), false);
  });
});
