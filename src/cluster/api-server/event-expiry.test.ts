import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startApi } from "./api-server.fixture.ts";

const events = "/api/v1/namespaces/default/events";
const event = (name: string): object => ({
  metadata: { name },
  involvedObject: { kind: "Pod", name: "p", namespace: "default" },
  reason: "Started",
});

describe("events", () => {
  it("are gone an hour after their last write, when the next one comes", async () => {
    const { post, patch, store, clock } = startApi();
    const names = (): string[] => store.list("events").map(({ metadata }) => metadata.name);
    await post(events, event("a"));
    await post(events, event("b"));
    await clock.advance(1800);
    await patch(`${events}/a`, { count: 2 });
    await clock.advance(1799);
    await post(events, event("c"));
    assert.deepEqual(names(), ["a", "b", "c"]);
    await clock.advance(1);
    await post(events, event("d"));
    assert.deepEqual(names(), ["a", "c", "d"]);
    assert.equal(clock.pending, 0);
  });
});
