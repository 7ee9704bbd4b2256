import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type ClusterRecord, readRecord, writeRecord } from "./cluster-record.ts";

const folder = mkdtempSync(join(tmpdir(), "teal-record-"));
const file = join(folder, "cluster.json");
after(() => rmSync(folder, { recursive: true }));

const stopped: ClusterRecord = {
  port: 7443,
  block: 77,
  server: "https://127.0.0.1:7443",
  startedAt: "2026-01-01T00:00:00Z",
  parts: {},
};

describe("cluster.json", () => {
  it("is not there before the first cluster", () => {
    assert.equal(readRecord(file), undefined);
  });

  it("comes back as it was written", () => {
    const supervisor = { pid: 100, identity: "boot/1" };
    const up: ClusterRecord = {
      ...stopped,
      context: "teal-here",
      authorization: "rbac",
      registry: 5000,
      kubeconfig: "/home/me/.kube/config",
      supervisor,
      parts: { node: { pid: 101, identity: "boot/2", isReady: true } },
      restarts: { node: 2 },
    };
    for (const record of [stopped, up]) {
      writeRecord(file, record);
      assert.deepEqual(readRecord(file), record);
    }
  });

  it("of the first versions, which took the addresses from the port, goes on with those addresses", () => {
    writeFileSync(file, JSON.stringify({ ...stopped, block: undefined }));
    assert.equal(readRecord(file)?.block, 194);
  });

  it("names no processes in a copy of its folder, since those are the original's", () => {
    const supervisor = { pid: 100, identity: "boot/1" };
    writeRecord(file, { ...stopped, supervisor, parts: { node: { pid: 101, identity: "boot/2" } } });
    const copy = mkdtempSync(join(tmpdir(), "teal-record-copy-"));
    cpSync(file, join(copy, "cluster.json"));
    assert.deepEqual(readRecord(join(copy, "cluster.json")), stopped);
    rmSync(copy, { recursive: true });
  });

  const damages: readonly [string, string][] = [
    ["half a file", '{"port":'],
    ["a file without a port", JSON.stringify({ ...stopped, port: undefined })],
    [
      "a part with a pid that is none",
      JSON.stringify({ ...stopped, parts: { node: { pid: -1, identity: "x" } } }),
    ],
    ["a file with a block that is none", JSON.stringify({ ...stopped, block: 0 })],
    ["a file that lets somebody unknown decide", JSON.stringify({ ...stopped, authorization: "rback" })],
    ["a supervisor of unknown identity", JSON.stringify({ ...stopped, supervisor: { pid: 7 } })],
  ];
  for (const [name, text] of damages) {
    it(`is refused with its name and the way out when it is ${name}`, () => {
      writeFileSync(file, text);
      assert.throws(() => readRecord(file), /cluster\.json is damaged .*delete this file/);
    });
  }
});
