import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EndpointSlice, Service } from "../../api/core.ts";
import { resources } from "../../api/resources.ts";
import { startApi } from "../../cluster/api-server/api-server.fixture.ts";
import { planService } from "../../cluster/network/service-plan.ts";
import { publishApiServer } from "./publish-api-server.ts";

describe("the Service of the API server", () => {
  it("leads to the port that the server listens on, at every start anew, and keeps its address", async () => {
    const { client } = startApi();
    const addresses = new Set<string>();
    for (const port of [7443, 7443, 8443]) {
      await publishApiServer(client, port);
      const service = await client.get<Service>(resources.services, "default", "kubernetes");
      const { items } = await client.list<EndpointSlice>(resources.endpointSlices, { namespace: "default" });
      const plan = planService(service, items);
      assert.deepEqual(
        plan?.ports.map(({ port: served, endpoints }) => [served, endpoints]),
        [[443, [{ address: "127.0.0.1", port }]]],
      );
      addresses.add(plan?.clusterIp ?? "");
    }
    assert.equal(addresses.size, 1);
  });
});
