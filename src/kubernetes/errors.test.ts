import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ApiError, asStatus, unlessGone } from "./errors.ts";

describe("ApiError", () => {
  const bodies: readonly [body: unknown, message: string][] = [
    [undefined, "HTTP 503"],
    [null, "HTTP 503"],
    ["", "HTTP 503"],
    [" \n", "HTTP 503"],
    [5, "HTTP 503"],
    [[], "HTTP 503"],
    [{}, "HTTP 503"],
    ["overloaded", "overloaded"],
    ["<!DOCTYPE html><p>no", "HTTP 503 with a web page; is a proxy or another program at this address?"],
    [{ kind: "Status" }, "HTTP 503"],
    [{ kind: "Status", message: "" }, "HTTP 503"],
    [{ kind: "Status", message: { a: 1 }, reason: 5, details: "x", code: "y" }, "HTTP 503"],
    [{ kind: "Status", message: "etcd is away", details: { causes: [null, 5] } }, "etcd is away"],
    ["x".repeat(10_000), `${"x".repeat(500)} …`],
  ];
  for (const [body, message] of bodies) {
    test(`has words for ${JSON.stringify(body)?.slice(0, 60)}`, () => {
      const error = ApiError.fromResponse(503, body);
      assert.equal(error.message, message);
      assert.equal(error.kind, "retryable");
      for (const { reason } of error.status?.details?.causes ?? []) assert.equal(typeof reason, "string");
    });
  }

  test("believes a wait for two minutes at most, the header first", () => {
    const withDetails = (retryAfterSeconds: unknown): unknown => ({
      kind: "Status",
      details: { retryAfterSeconds },
    });
    assert.equal(ApiError.fromResponse(429, withDetails(3)).retryAfterSeconds, 3);
    assert.equal(ApiError.fromResponse(429, withDetails(3), 9).retryAfterSeconds, 9);
    assert.equal(ApiError.fromResponse(429, {}, 86_400).retryAfterSeconds, 120);
    for (const odd of ["3", -1, 0, null, Number.NaN]) {
      assert.equal(ApiError.fromResponse(429, withDetails(odd)).retryAfterSeconds, undefined);
    }
  });

  test("makes a Status of anything", () => {
    for (const odd of [null, "gone", [], {}, { kind: "Status", metadata: null, code: "410" }]) {
      const { kind, metadata, code } = asStatus(odd);
      assert.deepEqual([kind, metadata], ["Status", {}]);
      assert.ok(code === undefined || Number.isInteger(code));
    }
  });
});

describe("unlessGone", () => {
  const invalid = (field: string) =>
    ApiError.fromResponse(422, { kind: "Status", reason: "Invalid", details: { causes: [{ field }] } });
  const conflict = (message: string) =>
    ApiError.fromResponse(409, { kind: "Status", reason: "Conflict", message });

  test("takes an object of another uid for one that is gone", () => {
    const gone = [
      ApiError.fromResponse(404, { kind: "Status", reason: "NotFound" }),
      invalid("metadata.uid"),
      conflict('… "web": the UID in the precondition (a) does not match the UID in record (b).'),
      conflict('… "web": Precondition failed: UID in precondition: a, UID in object meta: b'),
    ];
    for (const error of gone) assert.equal(unlessGone(error), undefined);
  });

  test("throws on what is anything else", () => {
    const others = [invalid("spec.replicas"), conflict("the object has been modified"), new Error("no")];
    for (const error of others) assert.throws(() => unlessGone(error), error);
  });
});
