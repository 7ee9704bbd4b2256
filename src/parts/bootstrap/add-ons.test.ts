import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startApi } from "../../cluster/api-server/api-server.fixture.ts";
import { fieldsOf } from "../../cluster/api-server/json.ts";
import { KubernetesClient } from "../../kubernetes/client.ts";
import { addOns, installAddOns } from "./add-ons.ts";

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const routes = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes";
const virtualServices = "/apis/networking.istio.io/v1/namespaces/default/virtualservices";
const httpRoute = { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute" };
const virtualService = { apiVersion: "networking.istio.io/v1", kind: "VirtualService" };

describe("the kinds of an add-on", () => {
  it("are served, with their defaults and their rules", async () => {
    const { client, post } = startApi();
    await installAddOns(client, addOns);
    const rules = [{ backendRefs: [{ name: "web", port: 80 }] }];
    const route = await post(routes, { ...httpRoute, metadata: { name: "web" }, spec: { rules } });
    assert.equal(route.code, 201);
    assert.deepEqual(fieldsOf(fieldsOf(route.body).spec).rules, [
      {
        backendRefs: [{ group: "", kind: "Service", name: "web", port: 80, weight: 1 }],
        matches: [{ path: { type: "PathPrefix", value: "/" } }],
      },
    ]);
    const service = { ...virtualService, metadata: { name: "web" }, spec: { hosts: ["a.example.com"] } };
    assert.equal((await post(virtualServices, service)).code, 201);
    const odd = await post(virtualServices, {
      ...virtualService,
      metadata: { name: "odd" },
      spec: { hosts: 3 },
    });
    assert.equal(odd.code, 422);
  });

  it("are only those that were asked for, and nothing is changed that is there already", async () => {
    const { client, get, patch } = startApi();
    const path = `${definitions}/httproutes.gateway.networking.k8s.io`;
    await installAddOns(client, ["gateway-api"]);
    assert.equal((await get(virtualServices)).code, 404);
    await patch(path, { metadata: { labels: { mine: "yes" } }, spec: { names: { shortNames: ["hr"] } } });
    const before = await get(path);
    await installAddOns(client, ["gateway-api"]);
    assert.deepEqual((await get(path)).body, before.body);
  });

  it("that cannot be made known end the start, with the reason", async () => {
    const { api } = startApi();
    const refused = { kind: "Status", code: 507, reason: "InsufficientStorage", message: "the disk is full" };
    const client = new KubernetesClient({
      request: async () => ({ code: 507, body: refused }),
      watch: api.watch.bind(api),
    });
    await assert.rejects(installAddOns(client, ["istio"]), /the disk is full/);
  });
});
