import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inOrderOfTime, isEvents } from "./event-order.ts";

describe("the order of Events", () => {
  it("is that of the last time, in whatever field it stands", () => {
    const events = [
      { lastTimestamp: "2026-01-01T00:00:06Z" },
      { deprecatedLastTimestamp: "2026-01-01T00:00:05Z" },
      { lastTimestamp: null, eventTime: "2026-01-01T00:00:04.000000Z" },
      {
        lastTimestamp: "2026-01-01T00:00:09Z",
        series: { lastObservedTime: "2026-01-01T00:00:03.000000Z" },
      },
      { metadata: { name: "e", creationTimestamp: "2026-01-01T00:00:02Z" } },
      {},
    ];
    assert.deepEqual(
      inOrderOfTime(events, (event) => event),
      events.toReversed(),
    );
  });

  it("is for Events of both APIs and for nothing else", () => {
    assert.ok(isEvents({ group: "", plural: "events" }));
    assert.ok(isEvents({ group: "events.k8s.io", plural: "events" }));
    assert.ok(!isEvents({ group: "", plural: "pods" }));
    assert.ok(!isEvents({ group: "example.com", plural: "events" }));
  });
});
