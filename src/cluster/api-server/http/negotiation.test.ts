import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Refusal } from "../refusal.ts";
import { negotiate } from "./negotiation.ts";

const meta = "meta.k8s.io/v1";

describe("negotiate", () => {
  it("answers JSON to clients that do not mind", () => {
    for (const accept of [undefined, "", "*/*", "application/*", "application/json, */*"])
      assert.deepEqual(negotiate(accept), { encoding: "json", apiVersion: meta });
  });
  it("answers JSON where protobuf is preferred and JSON is taken", () =>
    assert.equal(negotiate("application/vnd.kubernetes.protobuf, application/json").encoding, "json"));
  it("answers a Table to kubectl get", () =>
    assert.deepEqual(
      negotiate(
        "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
      ),
      { encoding: "json", as: "Table", apiVersion: meta },
    ));
  it("skips a transformation that it does not know", () =>
    assert.equal(negotiate("application/json;as=Diagram;v=v1;g=meta.k8s.io,application/json").as, undefined));
  it("heeds quality", () =>
    assert.equal(negotiate("application/json;q=0.1, application/yaml").encoding, "yaml"));
  it("refuses what it cannot write", () => {
    for (const accept of [
      "text/html",
      "application/vnd.kubernetes.protobuf",
      "application/json;as=Table;v=v9;g=meta.k8s.io",
    ])
      assert.throws(
        () => negotiate(accept),
        (error) =>
          error instanceof Refusal && error.status.code === 406 && error.status.reason === "NotAcceptable",
      );
  });
});
