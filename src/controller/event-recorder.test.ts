import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { KubernetesObject } from "../api/core.ts";
import { resources } from "../api/resources.ts";
import { KubernetesClient } from "../kubernetes/client.ts";
import { ManualClock } from "../time/manual-clock.ts";
import { EventRecorder } from "./event-recorder.ts";
import { OwnWrites } from "./own-writes.ts";
import { refusal, rollout, SmallCluster } from "./small-cluster.fixture.ts";
import { Writer } from "./writer.ts";

function open() {
  const cluster = new SmallCluster();
  const clock = new ManualClock();
  const log: string[] = [];
  const writer = new Writer(new KubernetesClient(cluster), new OwnWrites(clock), () => undefined);
  const recorder = new EventRecorder(writer, clock, (text) => log.push(text));
  const about = cluster.put(resources.rollouts, rollout("web"));
  const record = (message: string, reason = "Scaled"): void =>
    recorder.record(about, { type: "Normal", reason, message });
  return { cluster, clock, log, recorder, record, about };
}

describe("EventRecorder", () => {
  test("writes an Event that kubectl describe finds", async () => {
    const { cluster, clock, record, about } = open();
    record("from 0 to 2");
    await clock.settle();
    const [event] = cluster.all<KubernetesObject>(resources.events);
    assert.match(event?.metadata.name ?? "", /^web\.[0-9a-f]{16}$/);
    const { metadata: _, ...rest } = event ?? {};
    assert.deepEqual(rest, {
      apiVersion: "v1",
      kind: "Event",
      involvedObject: {
        apiVersion: "argoproj.io/v1alpha1",
        kind: "Rollout",
        name: "web",
        namespace: "shop",
        uid: "uid-web",
        resourceVersion: about.metadata.resourceVersion,
      },
      type: "Normal",
      reason: "Scaled",
      message: "from 0 to 2",
      source: { component: "rollouts-controller" },
      reportingComponent: "rollouts-controller",
      reportingInstance: "",
      firstTimestamp: "2026-01-01T00:00:00Z",
      lastTimestamp: "2026-01-01T00:00:00Z",
      count: 1,
    });
  });

  test("counts up what repeats within an hour, and writes it anew after that", async () => {
    const { cluster, clock, record } = open();
    record("again");
    record("other");
    await clock.advance(3000);
    record("again");
    await clock.advance(3599);
    record("again");
    await clock.settle();
    assert.deepEqual(cluster.events(), ["Scaled (3): again", "Scaled (1): other"]);
    const [event] = cluster.all<KubernetesObject & { lastTimestamp: string }>(resources.events);
    assert.equal(event?.lastTimestamp, "2026-01-01T01:49:59Z");
    await clock.advance(3600);
    record("again");
    await clock.settle();
    assert.deepEqual(cluster.events(), ["Scaled (3): again", "Scaled (1): other", "Scaled (1): again"]);
  });

  test("writes a repeat anew when the former Event is gone", async () => {
    const { cluster, clock, record } = open();
    record("again");
    await clock.settle();
    cluster.remove(resources.events, cluster.all(resources.events)[0]?.metadata.name ?? "");
    record("again");
    await clock.settle();
    assert.deepEqual(cluster.events(), ["Scaled (1): again"]);
  });

  test("loses none of hundreds at once, and keeps their order while the API server fails", async () => {
    const { cluster, clock, record, log } = open();
    let isAway = true;
    cluster.intercept = () => (isAway ? refusal(503, "ServiceUnavailable") : undefined);
    for (let number = 0; number < 300; number += 1) record(`event ${number}`);
    await clock.advance(100);
    assert.equal(cluster.events().length, 0);
    isAway = false;
    await clock.advance(30);
    const expected = Array.from({ length: 300 }, (_, number) => `Scaled (1): event ${number}`);
    assert.deepEqual(cluster.events(), expected);
    assert.deepEqual(log, ["events cannot be written now and wait: ServiceUnavailable"]);
  });

  test("is not held up by one that is refused for good", async () => {
    const { cluster, clock, record, log } = open();
    cluster.intercept = ({ body }) =>
      JSON.stringify(body).includes("bad") ? refusal(422, "Invalid", "too long") : undefined;
    record("bad");
    record("good");
    await clock.settle();
    assert.deepEqual(cluster.events(), ["Scaled (1): good"]);
    assert.deepEqual(log, ["an event was refused: too long (Scaled: bad)"]);
  });

  test("writes what waits before it stops, but does not wait for a server that is away", async () => {
    const { cluster, clock, record, recorder, log } = open();
    record("one");
    record("two");
    await recorder.stop();
    assert.equal(cluster.events().length, 2);
    const away = open();
    away.cluster.intercept = () => refusal(503, "ServiceUnavailable");
    away.record("three");
    await away.clock.settle();
    await away.recorder.stop();
    assert.equal(away.clock.pending, 0);
    assert.match(away.log.at(-1) ?? "", /^stopped with 1 events unwritten/);
    assert.deepEqual([log, clock.pending], [[], 0]);
  });
});
