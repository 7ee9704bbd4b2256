import assert from "node:assert/strict";
import { resolve } from "node:path";
import { describe, it } from "node:test";
import { kubeconfigOf } from "./cluster-access.ts";

describe("the cluster that a command talks to", () => {
  const up = (path: string): boolean =>
    path === resolve(".teal/kubeconfig") || path === resolve("other/kubeconfig");
  const nothing = (): boolean => false;
  type Given = Parameters<typeof kubeconfigOf>;
  const none = { kubeconfig: undefined, data: undefined };
  const cases: readonly [what: string, given: Given, file: string | undefined][] = [
    [
      "is the named kubeconfig's before all",
      [{ kubeconfig: "k", data: "other" }, { KUBECONFIG: "e" }, up],
      "k",
    ],
    [
      "is the embedded one whose folder is named",
      [{ ...none, data: "other" }, { KUBECONFIG: "e" }, up],
      resolve("other/kubeconfig"),
    ],
    ["is left to $KUBECONFIG", [none, { KUBECONFIG: "e" }, up], undefined],
    [
      "is the embedded one of this folder when it is up",
      [none, { KUBECONFIG: "" }, up],
      resolve(".teal/kubeconfig"),
    ],
    ["is what kubectl would take otherwise", [none, {}, nothing], undefined],
  ];
  for (const [what, given, file] of cases) {
    it(what, () => assert.equal(kubeconfigOf(...given), file));
  }

  it("is refused when the named folder has no cluster that is up", () => {
    assert.throws(() => kubeconfigOf({ ...none, data: "gone" }, {}, up), {
      name: "CommandError",
      message: 'no cluster is up in gone; start one with "teal up --data gone"',
    });
  });
});
