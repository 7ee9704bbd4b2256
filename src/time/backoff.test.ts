import assert from "node:assert/strict";
import { test } from "node:test";
import { retrySeconds } from "./backoff.ts";

const wait = { first: 0.2, limit: 30 };

test("a wait doubles up to its limit, and chance takes off up to half of it", () => {
  for (const [failures, full] of [
    [1, 0.2],
    [2, 0.4],
    [8, 25.6],
    [9, 30],
    [5000, 30],
  ] as const) {
    assert.equal(retrySeconds({ random: () => 0 }, { ...wait, failures }), full);
    assert.equal(retrySeconds({ random: () => 0.5 }, { ...wait, failures }), full * 0.75);
    assert.ok(retrySeconds({ random: () => 1 - Number.EPSILON }, { ...wait, failures }) >= full / 2);
  }
});

test("what the other side asks for is waited out in full, whatever chance says", () => {
  for (const chance of [0, 0.9]) {
    assert.ok(retrySeconds({ random: () => chance }, { ...wait, failures: 1, retryAfter: 60 }) >= 60.1);
  }
});
