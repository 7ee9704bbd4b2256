import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EndpointSlice } from "../../api/core.ts";
import { KubernetesClient } from "../../kubernetes/client.ts";
import type { ApiRequest } from "../../kubernetes/transport.ts";
import { ManualClock } from "../../time/manual-clock.ts";
import { never, type Session, Sessions } from "./proxy/sessions.ts";
import { StayingConnections } from "./staying-connections.ts";

const slice: EndpointSlice = {
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: "web-1", namespace: "shop" },
  addressType: "IPv4",
  endpoints: [{ addresses: ["127.8.0.2"], targetRef: { kind: "Pod", name: "web-a", uid: "u-a" } }],
};

function session(staysWith: string | undefined): Session {
  const nothing = (): void => {};
  return {
    routes: { label: "web" },
    deadlineAt: never,
    staysWith,
    expire: nothing,
    drain: nothing,
    destroy: nothing,
  };
}

describe("connections that stay with their pod", () => {
  it("are counted on the pod once for each change, and nothing is written where there are none", async () => {
    const clock = new ManualClock();
    const sessions = new Sessions(clock);
    const requests: ApiRequest[] = [];
    const client = new KubernetesClient({
      request: async (request) => {
        requests.push(request);
        return { code: 200, body: { apiVersion: "v1", kind: "Pod", metadata: { name: "web-a" } } };
      },
      watch: () => () => {},
    });
    const staying = new StayingConnections(client, sessions, () => undefined);
    staying.know(slice);
    const notes = (): readonly unknown[] =>
      requests.splice(0).map(({ method, path, body }) => [method, path, body]);
    const note = (count: string | null): unknown => [
      "PATCH",
      "/api/v1/namespaces/shop/pods/web-a",
      { metadata: { uid: "u-a", annotations: { "teal.dev/staying-connections": count } } },
    ];
    const [one, two] = [session("127.8.0.2"), session("127.8.0.2")];
    const moved = session(undefined);
    sessions.add(moved);
    await clock.advance(60);
    assert.deepEqual(notes(), []);
    sessions.add(one);
    sessions.add(two);
    await clock.advance(60);
    assert.deepEqual(notes(), [note("2")]);
    sessions.remove(one);
    await clock.advance(6);
    assert.deepEqual(notes(), [note("1")]);
    sessions.remove(two);
    await clock.advance(60);
    assert.deepEqual(notes(), [note(null)]);
    sessions.remove(moved);
    await sessions.stop(0);
  });
});
