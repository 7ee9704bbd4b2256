import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ManualClock } from "../time/manual-clock.ts";
import { ApiError } from "./errors.ts";
import { EventRecorder, type EventWriter } from "./event-recorder.ts";

interface StoredEvent {
  readonly metadata: { readonly name: string };
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly lastTimestamp: string;
}

/** The Events of an API server, which refuses them as long as `refuse` says why. */
class EventStore implements EventWriter {
  refuse: (event: object) => ApiError | undefined = () => undefined;
  readonly all = new Map<string, StoredEvent>();
  patches = 0;

  async createEvent(_namespace: string, event: StoredEvent): Promise<void> {
    await Promise.resolve();
    const refusal = this.refuse(event);
    if (refusal !== undefined) throw refusal;
    this.all.set(event.metadata.name, event);
  }

  async patchEvent(_namespace: string, name: string, patch: object): Promise<void> {
    await Promise.resolve();
    const refusal = this.refuse(patch);
    if (refusal !== undefined) throw refusal;
    const event = this.all.get(name);
    if (event === undefined) throw new ApiError("notFound", `events "${name}" not found`, 404);
    this.patches += 1;
    this.all.set(name, { ...event, ...patch });
  }

  events(): readonly string[] {
    return [...this.all.values()].map(({ reason, message, count }) => `${reason} (${count}): ${message}`);
  }
}

const about = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Rollout",
  metadata: { name: "web", namespace: "shop", uid: "uid-web", resourceVersion: "101" },
};

function open() {
  const store = new EventStore();
  const clock = new ManualClock();
  const log: string[] = [];
  const recorder = new EventRecorder({
    writer: store,
    clock,
    source: { component: "rollouts-controller" },
    onProblem: (text) => log.push(text),
  });
  const record = (message: string, reason = "Scaled"): void =>
    recorder.record(about, { type: "Normal", reason, message });
  return { store, clock, log, recorder, record };
}

const unavailable = () => new ApiError("retryable", "ServiceUnavailable", 503);

describe("EventRecorder", () => {
  test("writes an Event that kubectl describe finds", async () => {
    const { store, clock, record } = open();
    record("from 0 to 2");
    await clock.settle();
    const [event] = store.all.values();
    assert.ok(event);
    assert.match(event.metadata.name, /^web\.[0-9a-f]{16}$/);
    const { metadata: _, ...rest } = event;
    assert.deepEqual(rest, {
      apiVersion: "v1",
      kind: "Event",
      involvedObject: {
        apiVersion: "argoproj.io/v1alpha1",
        kind: "Rollout",
        name: "web",
        namespace: "shop",
        uid: "uid-web",
        resourceVersion: "101",
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
    const { store, clock, record } = open();
    record("again");
    record("other");
    await clock.advance(3000);
    record("again");
    await clock.advance(3599);
    record("again");
    await clock.settle();
    assert.deepEqual(store.events(), ["Scaled (3): again", "Scaled (1): other"]);
    const [event] = store.all.values();
    assert.equal(event?.lastTimestamp, "2026-01-01T01:49:59Z");
    await clock.advance(3600);
    record("again");
    await clock.settle();
    assert.deepEqual(store.events(), ["Scaled (3): again", "Scaled (1): other", "Scaled (1): again"]);
  });

  test("writes a repeat anew when the former Event is gone", async () => {
    const { store, clock, record } = open();
    record("again");
    await clock.settle();
    store.all.clear();
    record("again");
    await clock.settle();
    assert.deepEqual(store.events(), ["Scaled (1): again"]);
  });

  test("loses none of hundreds at once, and keeps their order while the API server fails", async () => {
    const { store, clock, record, log } = open();
    let isAway = true;
    store.refuse = () => (isAway ? unavailable() : undefined);
    for (let number = 0; number < 300; number += 1) record(`event ${number}`, `Reason${number}`);
    await clock.advance(100);
    assert.equal(store.events().length, 0);
    isAway = false;
    await clock.advance(30);
    const expected = Array.from({ length: 300 }, (_, number) => `Reason${number} (1): event ${number}`);
    assert.deepEqual(store.events(), expected);
    assert.deepEqual(log, ["events cannot be written now and wait: ServiceUnavailable"]);
  });

  test("counts as one what differs only in its message, after ten in ten minutes", async () => {
    const { store, clock, record } = open();
    for (let number = 0; number < 500; number += 1) {
      record(`refused ${number}`);
      await clock.advance(1);
    }
    record("refused 3");
    record("something else", "Other");
    await clock.advance(10);
    const events = store.events();
    assert.deepEqual(events.slice(0, 4), [
      "Scaled (1): refused 0",
      "Scaled (1): refused 1",
      "Scaled (1): refused 2",
      "Scaled (2): refused 3",
    ]);
    assert.deepEqual(events.slice(9), [
      "Scaled (1): refused 9",
      "Scaled (490): (combined from similar events): refused 499",
      "Other (1): something else",
    ]);
    assert.ok(store.patches <= 52, `${store.patches} patches`);
    await clock.advance(601);
    record("refused again");
    await clock.settle();
    assert.equal(store.events().at(-1), "Scaled (1): refused again");
  });

  test("is not held up by one that is refused for good", async () => {
    const { store, clock, record, log } = open();
    store.refuse = (event) =>
      JSON.stringify(event).includes("bad") ? new ApiError("invalid", "too long", 422) : undefined;
    record("bad");
    record("good");
    await clock.settle();
    assert.deepEqual(store.events(), ["Scaled (1): good"]);
    assert.deepEqual(log, ["an event was refused: too long (Scaled: bad)"]);
  });

  test("leaves a server alone for as long as it asks for", async () => {
    const { store, clock, record } = open();
    let asked = 0;
    store.refuse = () => {
      asked += 1;
      return asked === 1 ? ApiError.fromResponse(429, {}, 20) : undefined;
    };
    record("one");
    await clock.advance(20);
    assert.equal(asked, 1);
    await clock.advance(0.2);
    assert.deepEqual(store.events(), ["Scaled (1): one"]);
  });

  test("writes what waits before it stops, but does not wait for a server that is away", async () => {
    const { store, clock, record, recorder, log } = open();
    record("one");
    record("two");
    await recorder.stop();
    assert.equal(store.events().length, 2);
    const away = open();
    away.store.refuse = unavailable;
    away.record("three");
    await away.clock.settle();
    await away.recorder.stop();
    assert.equal(away.clock.pending, 0);
    assert.match(away.log.at(-1) ?? "", /^stopped with 1 events unwritten/);
    assert.deepEqual([log, clock.pending], [[], 0]);
  });

  test("counts what happens every second every ten seconds, and the rest when it stops", async () => {
    const { store, clock, record, recorder } = open();
    for (let second = 0; second < 25; second += 1) {
      record("again");
      await clock.advance(1);
    }
    assert.deepEqual([store.events(), store.patches], [["Scaled (21): again"], 3]);
    await recorder.stop();
    assert.deepEqual([store.events(), store.patches, clock.pending], [["Scaled (25): again"], 4, 0]);
  });

  test("says of which part of the object and in whose name it speaks", async () => {
    const { store, clock, recorder } = open();
    const news = { type: "Normal", reason: "Pulled", message: "done" } as const;
    recorder.record(
      about,
      { ...news, fieldPath: "spec.containers{web}" },
      { component: "kubelet", host: "n" },
    );
    recorder.record(about, { ...news, fieldPath: "spec.containers{log}" });
    await clock.settle();
    const [first, second] = [...store.all.values()].map((event) => JSON.stringify(event));
    assert.match(first ?? "", /"fieldPath":"spec.containers\{web\}"/);
    assert.match(first ?? "", /"source":{"component":"kubelet","host":"n"}.*"reportingInstance":"n"/);
    assert.match(second ?? "", /"fieldPath":"spec.containers\{log\}".*"component":"rollouts-controller"/);
  });

  test("does not complain that a namespace on its way out takes no news", async () => {
    const { store, clock, record, log } = open();
    const status = {
      apiVersion: "v1",
      kind: "Status",
      metadata: {},
      status: "Failure",
      details: { causes: [{ reason: "NamespaceTerminating" }] },
    } as const;
    store.refuse = () => new ApiError("forbidden", "namespace shop is being terminated", 403, status);
    record("one");
    await clock.settle();
    store.refuse = () => new ApiError("notFound", 'namespaces "shop" not found', 404);
    record("two");
    await clock.settle();
    assert.deepEqual([log, store.events(), clock.pending], [[], [], 0]);
  });
});
