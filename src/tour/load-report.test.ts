import assert from "node:assert/strict";
import { test } from "node:test";
import { type RequestRecord, reportOf } from "./load-report.ts";

const record = (
  startedAt: bigint,
  endedAt: bigint,
  outcome: RequestRecord["outcome"],
  connectedAt = startedAt,
): RequestRecord => ({ startedAt, endedAt, outcome, connectedAt });

const old = { version: "1" };
const young = { version: "2" };

test("tells an old answer to a request that was started after the moment from one that was under way", () => {
  const report = reportOf([record(90n, 110n, old), record(101n, 120n, old), record(102n, 115n, young)], 100n);
  assert.deepEqual(report.startedAfter.answersByVersion, { 1: 1, 2: 1 });
  assert.deepEqual(report.answeredAcross, { 1: 1 });
  assert.deepEqual(report.answersByVersion, { 1: 2, 2: 1 });
});

test("a request that was started at the very moment is not one after it", () => {
  const report = reportOf([record(100n, 110n, old)], 100n);
  assert.equal(report.startedAfter.requests, 0);
  assert.deepEqual(report.answeredAcross, { 1: 1 });
});

test("counts requests over connections that are older than the moment", () => {
  const report = reportOf([record(101n, 110n, young, 50n), record(101n, 110n, young, 101n)], 100n);
  assert.equal(report.startedAfter.overOlderConnections, 1);
});

test("counts failures by kind, also those from before the moment", () => {
  const report = reportOf(
    [record(1n, 2n, { failure: "ECONNRESET" }), record(101n, 102n, { failure: "HTTP 502" })],
    100n,
  );
  assert.deepEqual(report.failuresByKind, { ECONNRESET: 1, "HTTP 502": 1 });
  assert.equal(report.requests, 2);
});

test("tells connections that were cut with the process that had them from failures", () => {
  const second = 1_000_000_000n;
  const reset = { failure: "ECONNRESET" };
  const end = 50n * second;
  const records = [
    record(49n * second, 50n * second, reset),
    record(49n * second, 50n * second, { failure: "HTTP 502" }),
    record(51n * second, 51n * second, reset),
    record(40n * second, 47n * second, reset),
  ];
  const report = reportOf(records, 0n, [end]);
  assert.equal(report.cut, 1);
  assert.deepEqual(report.failuresByKind, { "HTTP 502": 1, ECONNRESET: 2 });
});

test("finds the first answer of each version after the moment, by its end", () => {
  const report = reportOf([record(1n, 150n, young), record(101n, 120n, young), record(1n, 50n, old)], 100n);
  assert.deepEqual(report.firstAnswerAt, { 2: "120" });
});
