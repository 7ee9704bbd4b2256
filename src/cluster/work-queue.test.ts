import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../kubernetes/errors.ts";
import { type Instant, later } from "../time/clock.ts";
import { ManualClock } from "../time/manual-clock.ts";
import { workQueue } from "./work-queue.ts";

function bed(work: (key: string, clock: ManualClock) => Promise<Instant | undefined>) {
  const clock = new ManualClock();
  const done: string[] = [];
  const problems: string[] = [];
  const queue = workQueue({
    clock,
    work: (key) => {
      done.push(key);
      return work(key, clock);
    },
    onProblem: (problem) => problems.push(problem),
  });
  return { clock, done, problems, queue };
}

test("does a key once, however often it was added while it waited", async () => {
  const { clock, done, queue } = bed(async () => undefined);
  for (const key of ["a", "b", "a"]) queue.add(key);
  await clock.settle();
  assert.deepEqual(done, ["a", "b"]);
});

test("does a key again that was added while it was being worked on", async () => {
  const release = Promise.withResolvers<undefined>();
  const { clock, done, queue } = bed(() => release.promise);
  queue.add("a");
  await clock.settle();
  queue.add("a");
  release.resolve(undefined);
  await clock.settle();
  assert.deepEqual(done, ["a", "a"]);
});

test("looks again when the work asked for it, and not when something told it to look earlier", async () => {
  const { clock, done, queue } = bed(async (_, time) =>
    done.length === 1 ? later(time.now(), 10) : undefined,
  );
  queue.add("a");
  await clock.advance(9);
  assert.equal(done.length, 1);
  queue.add("a");
  await clock.advance(60);
  assert.deepEqual([done.length, clock.pending], [2, 0]);
});

test("reports work that throws and does it again, after longer and longer waits", async () => {
  const { clock, done, problems, queue } = bed(async () => {
    throw new Error("no luck");
  });
  queue.add("a");
  await clock.advance(0.05);
  assert.equal(done.length, 2);
  await clock.advance(0.09);
  assert.equal(done.length, 2);
  await clock.advance(0.01);
  assert.equal(done.length, 3);
  assert.equal(problems[0], "a: no luck");
  await queue.stop();
});

test("does not call it a problem that somebody else wrote first", async () => {
  const { clock, done, problems, queue } = bed(async () => {
    if (done.length === 1) throw new ApiError("conflict", "changed", 409);
    return undefined;
  });
  queue.add("a");
  await clock.advance(1);
  assert.deepEqual([done.length, problems], [2, []]);
});

test("leaves nothing behind when stopped", async () => {
  const { clock, done, queue } = bed(async (_, time) => later(time.now(), 10));
  queue.add("a");
  await clock.settle();
  await queue.stop();
  queue.add("b");
  await clock.advance(60);
  assert.deepEqual([done, clock.pending], [["a"], 0]);
});
