import assert from "node:assert/strict";
import { test } from "node:test";
import { later } from "../../time/clock.ts";
import { ManualClock } from "../../time/manual-clock.ts";
import { Expectations } from "./expectations.ts";

test("waits until every creation has been shown", () => {
  const clock = new ManualClock();
  const expectations = new Expectations(clock);
  expectations.expectCreation("web");
  expectations.expectCreation("web");
  expectations.creationEnded("web");
  assert.equal(expectations.waitUntil("web"), later(clock.now(), 300));
  expectations.creationEnded("web");
  assert.equal(expectations.waitUntil("web"), undefined);
});

test("takes the end of a deletion for the pod that was meant, and only for that", () => {
  const expectations = new Expectations(new ManualClock());
  expectations.expectDeletion("web", "a");
  expectations.deletionEnded("web", "b");
  assert.notEqual(expectations.waitUntil("web"), undefined);
  expectations.deletionEnded("web", "a");
  assert.equal(expectations.waitUntil("web"), undefined);
});

test("stops waiting for what the cache has missed", async () => {
  const clock = new ManualClock();
  const expectations = new Expectations(clock);
  expectations.expectCreation("web");
  await clock.advance(300);
  assert.equal(expectations.waitUntil("web"), undefined);
});
