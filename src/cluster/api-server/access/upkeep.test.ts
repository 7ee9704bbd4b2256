import assert from "node:assert/strict";
import { it, mock } from "node:test";
import { WriteFailed } from "../../store/journal.ts";
import { startApi } from "../api-server.fixture.ts";

const secrets = "/api/v1/namespaces/default/secrets";

it("a Secret for a token that cannot be filled at once is filled after a later write", async () => {
  const { store, post, get } = startApi({ access: { authorization: "rbac" } });
  await post("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "web" } });
  const put = store.put.bind(store);
  let writes = 0;
  const full = mock.method(store, "put", (...[collection, object]: Parameters<typeof put>) => {
    writes += 1;
    if (writes === 2) throw new WriteFailed(new Error("no space left"));
    return put(collection, object);
  });
  const annotations = { "kubernetes.io/service-account.name": "web" };
  const type = "kubernetes.io/service-account-token";
  const created = await post(secrets, { metadata: { name: "token", annotations }, type });
  full.mock.restore();
  const token = async () =>
    ((await get(`${secrets}/token`)).body as { readonly data?: { readonly token?: string } }).data?.token;
  assert.deepEqual([created.code, writes, await token()], [201, 2, undefined]);
  await post("/api/v1/namespaces/default/configmaps", { metadata: { name: "x" } });
  assert.notEqual(await token(), undefined);
});
