import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ApiRequest } from "../../../kubernetes/transport.ts";
import { startApi } from "../api-server.fixture.ts";

const api = startApi({ access: { authorization: "rbac" } });
const roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
const user = { name: "bob", groups: ["system:authenticated"] };
const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "new" } };
const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "new" },
  spec: { ports: [{ port: 80 }] },
};
const changes: readonly (Pick<ApiRequest, "method" | "path" | "contentType"> & { readonly body: object })[] =
  [
    {
      method: "PATCH",
      path: "/api/v1/namespaces/default/configmaps/new",
      contentType: "application/apply-patch+yaml",
      body: configMap,
    },
    { method: "PUT", path: "/api/v1/namespaces/default/services/new", body: service },
  ];

async function allow(...verbs: readonly string[]): Promise<void> {
  const rules = [{ apiGroups: [""], resources: ["configmaps", "services"], verbs }];
  const role = { metadata: { name: "bob" }, rules };
  const apiGroup = "rbac.authorization.k8s.io";
  const roleRef = { apiGroup, kind: "Role", name: "bob" };
  await api.put(`${roles}/roles/bob`, role);
  const subjects = [{ apiGroup, kind: "User", name: "bob" }];
  await api.put(`${roles}/rolebindings/bob`, { metadata: { name: "bob" }, roleRef, subjects });
}

async function ask(change: (typeof changes)[number]) {
  const request: ApiRequest = { ...change, query: { fieldManager: "bob" }, user };
  api.api.access.checkRequest(user, request);
  return api.api.request(request);
}

describe("a change of what is not there", () => {
  it("needs the right to create, too, before it creates anything", async () => {
    await allow("patch", "update");
    for (const change of changes) {
      const { code, body } = await ask(change);
      assert.equal(code, 403);
      const { message } = body as { readonly message: string };
      assert.match(message, /"new" is forbidden: User "bob" cannot create resource/);
      assert.equal((await api.get(change.path)).code, 404);
    }
    await allow("patch", "update", "create");
    for (const change of changes) assert.equal((await ask(change)).code, 201);
    await allow("patch", "update");
    for (const change of changes) assert.equal((await ask(change)).code, 200);
  });
});
