import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startApi } from "../../api-server.fixture.ts";
import type { PolicyRule } from "./roles.ts";

const path = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
const rule = (resource: string): PolicyRule => ({ verbs: ["get"], apiGroups: [""], resources: [resource] });
const { post, get, delete: remove, patch } = startApi({ access: { authorization: "rbac" } });

async function resourcesOf(name: string): Promise<readonly string[]> {
  const { rules } = (await get(`${path}/${name}`)).body as { readonly rules: readonly PolicyRule[] | null };
  return (rules ?? []).flatMap(({ resources = [] }) => resources);
}

const parts = (name: string, wanted: string, labels = {}) => ({
  metadata: { name, labels },
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: wanted } }] },
});

describe("a ClusterRole that is put together", () => {
  it("follows its parts as they come, change and go, through others that are put together", async () => {
    await post(path, parts("whole", "inner"));
    await post(path, parts("inner", "leaf", { part: "inner" }));
    await post(path, { metadata: { name: "leaf", labels: { part: "leaf" } }, rules: [rule("pods")] });
    assert.deepEqual(await resourcesOf("whole"), ["pods"]);
    await patch(`${path}/leaf`, { rules: [rule("secrets")] });
    assert.deepEqual(await resourcesOf("whole"), ["secrets"]);
    await remove(`${path}/leaf`);
    assert.deepEqual(await resourcesOf("whole"), []);
  });

  it("comes to rest when two are parts of each other", async () => {
    await post(path, parts("first", "second", { part: "first" }));
    await post(path, { ...parts("second", "first", { part: "second" }), rules: [rule("pods")] });
    const [first, second] = await Promise.all([resourcesOf("first"), resourcesOf("second")]);
    assert.deepEqual(first, second);
  });

  it("is edit with what a custom resource adds to it, as operators expect", async () => {
    const labels = { "rbac.authorization.k8s.io/aggregate-to-edit": "true" };
    await post(path, { metadata: { name: "widgets", labels }, rules: [rule("widgets")] });
    assert.ok((await resourcesOf("edit")).includes("widgets"));
    assert.ok((await resourcesOf("admin")).includes("widgets"), "admin has what edit has");
    assert.ok(!(await resourcesOf("view")).includes("widgets"));
  });
});
