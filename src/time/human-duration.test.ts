import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { humanDuration } from "./human-duration.ts";

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

describe("an age as tables show it", () => {
  const cases: readonly [seconds: number, text: string][] = [
    [-5, "<invalid>"],
    [-1, "0s"],
    [0, "0s"],
    [14.9, "14s"],
    [119, "119s"],
    [120, "2m"],
    [6 * minute + 11, "6m11s"],
    [10 * minute + 11, "10m"],
    [179 * minute, "179m"],
    [3 * hour, "3h"],
    [3 * hour + 59 * minute, "3h59m"],
    [8 * hour + 59 * minute, "8h"],
    [47 * hour, "47h"],
    [5 * day + 21 * hour, "5d21h"],
    [7 * day, "7d"],
    [8 * day + hour, "8d"],
    [729 * day, "729d"],
    [730 * day, "2y"],
    [3 * 365 * day + 4 * day, "3y4d"],
    [9 * 365 * day + 4 * day, "9y"],
  ];
  for (const [seconds, text] of cases) {
    it(`shows ${seconds} seconds as ${text}`, () => assert.equal(humanDuration(seconds), text));
  }
});
