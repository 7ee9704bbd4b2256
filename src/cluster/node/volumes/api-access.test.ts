import assert from "node:assert/strict";
import { it } from "node:test";
import type { PodSpec } from "../../../api/core.ts";
import { apiAccessOf, apiAccessPath } from "./api-access.ts";
import { objectsOf } from "./volume-files.ts";

it("a pod has a token unless it does not want one or brings its own", () => {
  const access = (spec: Partial<PodSpec> = {}) =>
    apiAccessOf({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web" },
      spec: { containers: [{ name: "web" }], ...spec },
    });
  const usual = access();
  assert.ok(usual !== undefined);
  assert.deepEqual(objectsOf(usual), ["configmap/kube-root-ca.crt"]);
  assert.equal(access({ automountServiceAccountToken: false }), undefined);
  const volumeMounts = [{ name: "own", mountPath: apiAccessPath }];
  assert.equal(access({ containers: [{ name: "web", volumeMounts }] }), undefined);
});
