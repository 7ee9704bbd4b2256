import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Pod } from "../../../api/core.ts";
import { startApi } from "../../api-server/api-server.fixture.ts";
import { PodVolumes } from "./pod-volumes.ts";

const inDefault = "/api/v1/namespaces/default";

describe("the volume of a pod's token", () => {
  it("waits for the account and the certificate, and has another token when 80 % of its time are over", async (context) => {
    const api = startApi();
    const folder = mkdtempSync(join(tmpdir(), "teal-volumes-"));
    const volumes = new PodVolumes({
      client: api.client,
      clock: api.clock,
      hostIp: "127.0.0.1",
      folderOf: () => folder,
      onProblem: (problem) => assert.fail(problem),
    });
    context.after(() => {
      volumes.close();
      rmSync(folder, { recursive: true });
    });
    const { body } = await api.post(`${inDefault}/pods`, {
      metadata: { name: "web" },
      spec: { containers: [{ name: "web", image: "web" }] },
    });
    const pod = body as Pod;
    const name = pod.spec.volumes?.[0]?.name ?? "";
    const messages = async () => (await volumes.setUp(pod)).map(({ message }) => message);

    assert.deepEqual(await messages(), ['failed to fetch token: serviceaccounts "default" not found']);
    await api.post(`${inDefault}/serviceaccounts`, { metadata: { name: "default" } });
    assert.deepEqual(await messages(), ['configmap "kube-root-ca.crt" not found']);
    await api.post(`${inDefault}/configmaps`, {
      metadata: { name: "kube-root-ca.crt" },
      data: { "ca.crt": "authority" },
    });
    assert.deepEqual(await messages(), []);

    const file = (one: string) => readFileSync(join(folder, name, one), "utf8");
    assert.deepEqual([file("ca.crt"), file("namespace")], ["authority", "default"]);
    const first = file("token");
    await api.clock.advance(3607 * 0.8 - 60);
    assert.equal(file("token"), first);
    await api.clock.advance(120);
    assert.notEqual(file("token"), first);
  });
});
