import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { instant } from "../../../../time/clock.ts";
import { ageOf } from "./age.ts";

describe("ageOf", () => {
  const now = instant(Date.parse("2026-11-21T12:01:00Z"));

  it("counts from the time on the wire", () => assert.equal(ageOf("2026-11-21T12:00:13Z", now), "47s"));
  it("says that no time is known", () => {
    assert.equal(ageOf(undefined, now), "<unknown>");
    assert.equal(ageOf(null, now), "<unknown>");
  });
  it("says that a text is no time", () => assert.equal(ageOf("yesterday", now), "<invalid>"));
});
