import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LabelSelector } from "./core.ts";
import type { Rollout, RolloutSpec } from "./rollout.ts";
import { describe as textOf, validateRollout } from "./validation.ts";

const good: RolloutSpec = {
  replicas: 2,
  selector: { matchLabels: { app: "web" } },
  template: {
    metadata: { labels: { app: "web", track: "stable" } },
    spec: { containers: [{ name: "web", image: "web:1" }] },
  },
  strategy: { blueGreen: { activeService: "web", previewService: "web-preview" } },
};

function problemsOf(spec: object): readonly string[] {
  const rollout = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: { name: "web" },
    spec: JSON.parse(JSON.stringify({ ...good, ...spec })) as RolloutSpec,
  } satisfies Rollout;
  return validateRollout(rollout).map(textOf);
}

const sameService =
  "This rollout uses the same service for the active and preview services, but two different services are required.";
const noMatch = "`selector` does not match template `labels`";
const notNegative = "must be greater than or equal to 0";

// Texts and paths as a real Argo controller writes them, but for the last group.
const cases: readonly [string, object, readonly string[]][] = [
  ["nothing", {}, []],
  [
    "no strategy",
    { strategy: {} },
    [
      "spec.strategy.strategy: Required value: Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'",
    ],
  ],
  [
    "two strategies",
    { strategy: { blueGreen: { activeService: "web" }, canary: {} } },
    [
      'spec.strategy.strategy: Invalid value: "blueGreen: true canary: true": Multiple Strategies can not be listed',
    ],
  ],
  [
    "one Service twice",
    { strategy: { blueGreen: { activeService: "web", previewService: "web" } } },
    [`spec.strategy.activeService: Invalid value: "web": ${sameService}`],
  ],
  [
    "no Service",
    { strategy: { blueGreen: {} } },
    [`spec.strategy.activeService: Invalid value: "": ${sameService}`],
  ],
  [
    "more retiring revisions than the history keeps",
    {
      revisionHistoryLimit: 1,
      strategy: { blueGreen: { activeService: "web", scaleDownDelayRevisionLimit: 2 } },
    },
    [
      "spec.strategy.scaleDownDelayRevisionLimit: Invalid value: 2: This rollout's revision history limit can not be smaller than the rollout's scale down limit",
    ],
  ],
  [
    "no selector",
    { selector: undefined },
    ["spec.selector: Required value: Rollout has missing field '.spec.selector'"],
  ],
  [
    "an empty selector",
    { selector: {} },
    ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
  ],
  [
    "no template",
    { template: undefined },
    [
      `spec.template.metadata.labels: Invalid value: null: ${noMatch}`,
      "spec.template.spec.containers: Required value",
    ],
  ],
  [
    "no containers",
    { template: { metadata: { labels: { app: "web" } }, spec: { containers: [] } } },
    ["spec.template.spec.containers: Required value"],
  ],
  [
    "other labels",
    { template: { ...good.template, metadata: { labels: { track: "stable", app: "api" } } } },
    [`spec.template.metadata.labels: Invalid value: {"app":"api","track":"stable"}: ${noMatch}`],
  ],
  [
    "a deadline that is no longer than minReadySeconds",
    { minReadySeconds: 600 },
    ["spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds"],
  ],
  [
    "negative numbers, in Argo's order",
    { replicas: -1, minReadySeconds: -2, revisionHistoryLimit: -3, progressDeadlineSeconds: -4 },
    [
      `spec.replicas: Invalid value: -1: ${notNegative}`,
      `spec.minReadySeconds: Invalid value: -2: ${notNegative}`,
      `spec.revisionHistoryLimit: Invalid value: -3: ${notNegative}`,
      `spec.progressDeadlineSeconds: Invalid value: -4: ${notNegative}`,
      "spec.progressDeadlineSeconds: Invalid value: -4: must be greater than minReadySeconds",
    ],
  ],
  [
    "only a preview Service",
    { strategy: { blueGreen: { activeService: "", previewService: "web" } } },
    ["spec.strategy.blueGreen.activeService: Required value: the Service that carries users' traffic"],
  ],
  ...[
    "previewReplicaCount",
    "autoPromotionSeconds",
    "scaleDownDelaySeconds",
    "scaleDownDelayRevisionLimit",
    "abortScaleDownDelaySeconds",
  ].map((field): [string, object, readonly string[]] => [
    `a negative ${field}`,
    { strategy: { blueGreen: { activeService: "web", [field]: -1 } } },
    [`spec.strategy.blueGreen.${field}: Invalid value: -1: ${notNegative}`],
  ]),
];

describe("a Rollout's own mistakes", () => {
  for (const [what, spec, expected] of cases) {
    it(`are told: ${what}`, () => assert.deepEqual(problemsOf(spec), expected));
  }
});

const nameRule =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const valueRule =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

type Expression = NonNullable<LabelSelector["matchExpressions"]>[number];
const track = (operator: string, ...values: readonly string[]): object => ({
  key: "track",
  operator,
  values,
});

const expressions: readonly [string, readonly (object | Expression)[], readonly string[]][] = [
  ["In, and it is", [track("In", "stable", "next")], []],
  ["In, and it is not", [track("In", "next")], [noMatch]],
  ["NotIn, and it is not", [track("NotIn", "next")], []],
  ["NotIn, and it is", [track("NotIn", "stable")], [noMatch]],
  ["NotIn of a label that is not there", [{ key: "tier", operator: "NotIn", values: ["x"] }], []],
  ["Exists", [{ key: "track", operator: "Exists" }], []],
  ["Exists of a label that is not there", [{ key: "tier", operator: "Exists" }], [noMatch]],
  ["DoesNotExist", [{ key: "tier", operator: "DoesNotExist" }], []],
  ["DoesNotExist of a label that is there", [{ key: "track", operator: "DoesNotExist" }], [noMatch]],
  ["one of two that does not match", [track("Exists"), track("NotIn", "stable")], [noMatch]],
  [
    "In without values",
    [track("In")],
    ["[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"],
  ],
  [
    "NotIn without values",
    [{ key: "track", operator: "NotIn" }],
    ["[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"],
  ],
  [
    "Exists with values",
    [track("Exists", "stable")],
    ["[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"],
  ],
  [
    "an operator that there is not",
    [track("Exists"), track("Is", "stable")],
    ['[1].operator: Invalid value: "Is": not a valid selector operator'],
  ],
  [
    "a key that cannot be one",
    [{ key: "-app", operator: "Exists" }],
    [`[0].key: Invalid value: "-app": ${nameRule}`],
  ],
  [
    "a value that cannot be one",
    [track("In", "stable", "a b")],
    [`[0].values[1]: Invalid value: "a b": ${valueRule}`],
  ],
];

describe("a selector's matchExpressions", () => {
  for (const [what, matchExpressions, expected] of expressions) {
    it(`are judged as labels are: ${what}`, () => {
      const problems = problemsOf({ selector: { matchLabels: { app: "web" }, matchExpressions } });
      const where = "spec.selector.matchExpressions";
      const whole = expected.map((text) =>
        text === noMatch
          ? `spec.template.metadata.labels: Invalid value: {"app":"web","track":"stable"}: ${noMatch}`
          : `${where}${text}`,
      );
      assert.deepEqual(problems, whole);
    });
  }

  it("are enough without labels", () => {
    assert.deepEqual(problemsOf({ selector: { matchExpressions: [track("In", "stable")] } }), []);
  });

  it("and labels are told of together, where both are wrong", () => {
    const selector = { matchLabels: { "a/b/c": "web", app: "a b" }, matchExpressions: [track("In")] };
    const problems = problemsOf({ selector }).map((text) => text.split(": ").slice(0, 3).join(": "));
    assert.deepEqual(problems, [
      'spec.selector.matchLabels: Invalid value: "a/b/c"',
      'spec.selector.matchLabels: Invalid value: "a b"',
      "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    ]);
  });
});
