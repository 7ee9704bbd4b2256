import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { later } from "../time/clock.ts";
import { ManualClock } from "../time/manual-clock.ts";
import { type PassResult, Queue } from "./queue.ts";

function open(concurrency = 10, random?: () => number) {
  const clock = new ManualClock(undefined, random);
  const start = clock.now();
  const begun: string[] = [];
  const at: number[] = [];
  let result: PassResult = { is: "done" };
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const queue = new Queue({
    clock,
    concurrency,
    firstRetrySeconds: 0.1,
    longestRetrySeconds: 60,
    pass: async (key) => {
      begun.push(key);
      at.push((clock.now() - start) / 1000);
      await gates.get(key)?.promise;
      return result;
    },
  });
  queue.start();
  return {
    clock,
    queue,
    begun,
    at,
    gate: (key: string) => {
      const gate = Promise.withResolvers<void>();
      gates.set(key, gate);
      return gate;
    },
    answer: (next: PassResult) => {
      result = next;
    },
  };
}

describe("Queue", () => {
  test("makes one pass of what is added together", async () => {
    const { queue, begun, clock } = open();
    queue.add("a");
    queue.add("b");
    queue.add("a");
    await clock.settle();
    assert.deepEqual(begun, ["a", "b"]);
  });

  test("never makes two passes over one key at a time, and another one for what came meanwhile", async () => {
    const { queue, begun, clock, gate } = open();
    const first = gate("a");
    queue.add("a");
    await clock.settle();
    queue.add("a");
    queue.add("a");
    await clock.settle();
    assert.deepEqual(begun, ["a"]);
    first.resolve();
    await clock.settle();
    assert.deepEqual(begun, ["a", "a"]);
  });

  test("works on as many keys at a time as allowed, in the order in which they came", async () => {
    const { queue, begun, clock, gate } = open(2);
    const [a, b] = [gate("a"), gate("b")];
    for (const key of ["a", "b", "c", "d"]) queue.add(key);
    await clock.settle();
    assert.deepEqual(begun, ["a", "b"]);
    queue.add("a");
    b.resolve();
    await clock.settle();
    assert.deepEqual(begun, ["a", "b", "c", "d"]);
    a.resolve();
    await clock.settle();
    assert.deepEqual(begun, ["a", "b", "c", "d", "a"]);
  });

  test("tries again after waits that double from 0.1 s up to a minute, from the beginning after a success", async () => {
    const { queue, at, clock, answer } = open();
    answer({ is: "failed", slowly: false });
    queue.add("a");
    await clock.advance(200);
    assert.deepEqual(at, [0, 0.1, 0.3, 0.7, 1.5, 3.1, 6.3, 12.7, 25.5, 51.1, 102.3, 162.3]);
    answer({ is: "done" });
    await clock.advance(60);
    answer({ is: "failed", slowly: false });
    at.length = 0;
    queue.add("a");
    await clock.advance(0.1);
    assert.deepEqual(at, [260, 260.1]);
  });

  test("waits a minute where trying again soon cannot help, but not when something changes", async () => {
    const { queue, at, clock, answer } = open();
    answer({ is: "failed", slowly: true });
    queue.add("a");
    await clock.advance(59);
    assert.deepEqual(at, [0]);
    queue.add("a");
    await clock.advance(1);
    assert.deepEqual(at, [0, 59, 60]);
  });

  test("leaves a key alone for as long as the server asks for, whatever happens, and no other", async () => {
    const { queue, begun, at, clock, answer } = open();
    answer({ is: "failed", slowly: false, retryAfter: 20 });
    queue.add("a");
    await clock.advance(1);
    answer({ is: "done" });
    queue.add("a");
    queue.add("b");
    await clock.advance(19);
    assert.deepEqual(begun, ["a", "b"]);
    await clock.advance(0.1);
    assert.deepEqual(begun, ["a", "b", "a"]);
    queue.add("a");
    await clock.advance(100);
    assert.deepEqual(at, [0, 1, 20.1, 20.1]);
    assert.equal(clock.pending, 0);
  });

  test("takes the chance out of the wait that others have as well", async () => {
    const { queue, at, clock, answer } = open(10, () => 0.5);
    answer({ is: "failed", slowly: false });
    queue.add("a");
    await clock.advance(1);
    assert.deepEqual(at, [0, 0.075, 0.225, 0.525]);
  });

  test("warns of a pass that rejects, tries it again after a minute, and goes on with others", async () => {
    const clock = new ManualClock();
    const begun: string[] = [];
    const bug = new Error("a bug in a pass");
    const queue = new Queue({
      clock,
      concurrency: 1,
      firstRetrySeconds: 0.1,
      longestRetrySeconds: 60,
      pass: (key) => {
        begun.push(key);
        return key === "odd" ? Promise.reject(bug) : Promise.resolve({ is: "done" });
      },
    });
    const warned = once(process, "warning");
    queue.start();
    queue.add("odd");
    queue.add("good");
    await clock.advance(1);
    const [warning] = (await warned) as Error[];
    assert.equal(warning?.message, "internal error: a bug in a pass");
    assert.deepEqual(begun, ["odd", "good"]);
    await clock.advance(59);
    assert.deepEqual(begun, ["odd", "good", "odd"]);
    await queue.stop();
  });

  test("comes back at the wished time, once", async () => {
    const { queue, at, clock, answer } = open();
    answer({ is: "done", recheckAt: later(clock.now(), 30) });
    queue.add("a");
    await clock.advance(10);
    answer({ is: "done", recheckAt: later(clock.now(), 40) });
    queue.add("a");
    await clock.advance(30);
    answer({ is: "done" });
    await clock.advance(100);
    assert.deepEqual(at, [0, 10, 50]);
    assert.equal(clock.pending, 0);
  });

  test("keeps an earlier wish through a pass that was postponed", async () => {
    const { queue, at, clock, answer } = open();
    answer({ is: "done", recheckAt: later(clock.now(), 5) });
    queue.add("a");
    await clock.settle();
    answer({ is: "postponed", recheckAt: later(clock.now(), 30) });
    queue.add("a");
    await clock.advance(6);
    assert.deepEqual(at, [0, 0, 5]);
  });

  test("does not spin on a wish for the past", async () => {
    const { queue, at, clock, answer } = open();
    answer({ is: "done", recheckAt: later(clock.now(), -1) });
    queue.add("a");
    await clock.advance(1);
    assert.equal(at.length, 11);
  });

  test("begins nothing after it has been stopped and waits for what is under way", async () => {
    const { queue, begun, clock, gate, answer } = open();
    answer({ is: "failed", slowly: false });
    queue.add("b");
    await clock.settle();
    const under = gate("a");
    queue.add("a");
    await clock.settle();
    queue.add("a");
    let isStopped = false;
    const stopping = queue.stop().then(() => {
      isStopped = true;
    });
    await clock.settle();
    assert.equal(isStopped, false);
    under.resolve();
    await stopping;
    await clock.advance(100);
    assert.deepEqual(begun, ["b", "a"]);
    assert.equal(clock.pending, 0);
  });
});
