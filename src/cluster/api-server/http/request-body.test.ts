import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Refusal } from "../refusal.ts";
import { decodeBody } from "./request-body.ts";

const refusedWith = (code: number) => (error: unknown) =>
  error instanceof Refusal && error.status.code === code;

describe("decodeBody", () => {
  it("reads JSON, whatever its character set parameter", () =>
    assert.deepEqual(decodeBody("POST", "application/json; charset=utf-8", Buffer.from('{"a":1}')), {
      body: { a: 1 },
      contentType: "application/json",
    }));

  it("hands YAML on as JSON, reading booleans as YAML 1.1 does but neither dates nor base-60 numbers", () => {
    const yaml = "a: y\nb: 'y'\nc: 2026-01-01\nd: 22:22\ne: 0755\nf: on\ng: 1e3\nh: ~\n";
    assert.deepEqual(decodeBody("PUT", "application/yaml", Buffer.from(yaml)), {
      body: { a: true, b: "y", c: "2026-01-01", d: "22:22", e: 493, f: true, g: 1000, h: null },
      contentType: "application/json",
    });
  });

  it("keeps a patch's own type, and reads apply patches as YAML or JSON", () => {
    const apply = "application/apply-patch+yaml";
    assert.deepEqual(decodeBody("PATCH", apply, Buffer.from("a: {b: 1}")), {
      body: { a: { b: 1 } },
      contentType: apply,
    });
    assert.deepEqual(decodeBody("PATCH", apply, Buffer.from(' {"a": 1}')), {
      body: { a: 1 },
      contentType: apply,
    });
    assert.deepEqual(decodeBody("PATCH", apply, Buffer.from("{a: 1}")).body, { a: 1 });
    const merge = "application/merge-patch+json";
    assert.deepEqual(decodeBody("PATCH", merge, Buffer.from('{"a":null}')), {
      body: { a: null },
      contentType: merge,
    });
  });

  it("has no value for an empty body", () =>
    assert.equal(decodeBody("DELETE", undefined, Buffer.alloc(0)).body, undefined));

  it("refuses other content types with 415", () => {
    assert.throws(() => decodeBody("POST", "application/xml", Buffer.from("<a/>")), refusedWith(415));
    assert.throws(() => decodeBody("PATCH", "application/json", Buffer.from("{}")), refusedWith(415));
  });

  it("refuses text that cannot be read with 400", () => {
    assert.throws(() => decodeBody("POST", "application/json", Buffer.from("{")), refusedWith(400));
    assert.throws(() => decodeBody("POST", "application/yaml", Buffer.from("a: [")), refusedWith(400));
    assert.throws(
      () => decodeBody("POST", "application/yaml", Buffer.from("a: 1\na: 2\n")),
      refusedWith(400),
    );
    assert.throws(
      () => decodeBody("POST", "application/yaml", Buffer.from("a: 1\n---\na: 2\n")),
      refusedWith(400),
    );
    assert.throws(
      () => decodeBody("POST", "application/vnd.kubernetes.protobuf", Buffer.from("x")),
      refusedWith(400),
    );
  });
});
