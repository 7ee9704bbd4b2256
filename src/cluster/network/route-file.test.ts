import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { RouteFile } from "./route-file.ts";
import type { ServicePlan } from "./service-plan.ts";

const plan: ServicePlan = {
  namespace: "default",
  name: "web",
  clusterIp: "127.8.64.2",
  loadBalancerIp: "127.8.128.2",
  ports: [
    {
      name: "",
      port: 80,
      nodePort: 30080,
      protocol: "unknown",
      endpoints: [{ address: "127.8.0.2", port: 5000 }],
    },
  ],
};

describe("the file of saved routes", () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "teal-routes-"));
    path = join(folder, "traffic", "routes.json");
  });
  afterEach(() => rm(folder, { recursive: true }));

  test("lies in a folder that only its owner can look into", async () => {
    new RouteFile(path).save([plan]);
    assert.equal((await stat(join(folder, "traffic"))).mode & 0o777, 0o700);
  });

  test("gives back what was saved, and nothing when nothing was", async () => {
    assert.deepEqual(new RouteFile(path).load(), []);
    new RouteFile(path).save([plan]);
    assert.deepEqual(new RouteFile(path).load(), [plan]);
  });

  test("may have been written by an earlier Teal", async () => {
    const [port] = plan.ports;
    const old = { ...plan, ports: [{ ...port, protocol: "http", terminating: ["127.8.0.3"] }] };
    new RouteFile(path).save([]);
    await writeFile(path, JSON.stringify({ version: 1, services: [old] }));
    assert.equal(new RouteFile(path).load().length, 1);
  });

  test("is replaced whole and left alone when nothing has changed", async () => {
    const file = new RouteFile(path);
    file.save([plan]);
    const { ino } = await stat(path);
    file.save([plan]);
    assert.equal((await stat(path)).ino, ino);
    file.save([]);
    assert.notEqual((await stat(path)).ino, ino);
    assert.deepEqual(await readdir(join(folder, "traffic")), ["routes.json"]);
  });

  for (const [damage, text] of Object.entries({
    "a cut end": JSON.stringify({ version: 1, services: [plan] }).slice(0, -20),
    "another version": JSON.stringify({ version: 2, services: [plan] }),
    "a route without ports": JSON.stringify({ version: 1, services: [{ ...plan, ports: undefined }] }),
    "an address that is none": JSON.stringify({ version: 1, services: [{ ...plan, clusterIp: "../etc" }] }),
    "a port that is none": JSON.stringify({
      version: 1,
      services: [{ ...plan, ports: [{ ...plan.ports[0], port: 99999 }] }],
    }),
    "nothing in it": "null",
  })) {
    test(`is refused with ${damage}`, async () => {
      new RouteFile(path).save([]);
      await writeFile(path, text);
      assert.throws(() => new RouteFile(path).load());
    });
  }
});
