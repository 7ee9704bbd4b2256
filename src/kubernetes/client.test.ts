import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { resources } from "../api/resources.ts";
import { KubernetesClient } from "./client.ts";
import { ScriptedTransport } from "./scripted-transport.fixture.ts";

describe("KubernetesClient", () => {
  const transport = new ScriptedTransport();
  const client = new KubernetesClient(transport);
  const ways: Readonly<Record<string, () => Promise<unknown>>> = {
    get: () => client.get(resources.pods, "shop", "a"),
    create: () => client.create(resources.pods, "shop", {}),
    update: () => client.update(resources.pods, { apiVersion: "v1", kind: "Pod", metadata: { name: "a" } }),
    patch: () => client.patch(resources.pods, "shop", "a", { type: "merge", body: {} }),
    list: () => client.list(resources.pods),
  };
  for (const [way, ask] of Object.entries(ways)) {
    test(`takes nothing else for what it asks for: ${way}`, async () => {
      for (const body of ["", "ok", "<html>", null, 5, true, [], {}, { metadata: null }, { metadata: "x" }]) {
        transport.answer = () => ({ code: 200, body });
        await assert.rejects(ask(), {
          kind: "unreachable",
          message: /^the answer to [A-Z]+ .* is no (object|list); is a proxy/,
        });
      }
    });
  }

  test("hands on how long the server wants to be left alone", async () => {
    transport.answer = () => ({ code: 429, body: {}, retryAfterSeconds: 9 });
    await assert.rejects(client.get(resources.pods, "shop", "a"), {
      kind: "retryable",
      retryAfterSeconds: 9,
    });
  });

  test("takes any answer to a deletion", async () => {
    transport.answer = () => ({ code: 200, body: "" });
    await client.delete(resources.pods, "shop", "a");
  });
});
