import assert from "node:assert/strict";
import { test } from "node:test";
import type { Planner } from "../../src/controller/rollouts.ts";
import type { Action } from "../../src/rollout/action.ts";
import type { Plan } from "../../src/rollout/pass.ts";
import { plan } from "../../src/rollout/plan.ts";
import type { Snapshot } from "../../src/rollout/snapshot.ts";
import { play } from "./play.ts";
import type { Deed, Story } from "./story.ts";

// The simulation is only worth something if it notices planners that do what must never be done.

function story(...deeds: readonly (readonly [afterSeconds: number, Deed])[]): Story {
  const all = [
    [0.25, { do: "deploy", version: "v1" }],
    [5, { do: "deploy", version: "v2" }],
    ...deeds,
  ] as const;
  return {
    dialect: "plain Kubernetes",
    applications: [
      {
        name: "web",
        strategy: { activeService: "web", autoPromotionEnabled: false },
        spec: { replicas: 3 },
      },
    ],
    readyAfterSeconds: {},
    routesAfterSeconds: 0,
    moments: all.map(([afterSeconds, what]) => ({ afterSeconds, to: "web", what })),
  };
}

const waiting = story();
const released = story([5, { do: "promote" }]);

const badPlanners: readonly (readonly [misdeed: string, rule: string, Planner, Story])[] = [
  [
    "takes every pause for promoted",
    "gate",
    withStatus(({ pauseConditions: _, ...status }) => status),
    waiting,
  ],
  [
    "waits for a third of the delay",
    "no delay is cut short",
    ({ rollout, ...snapshot }, now) => {
      const { blueGreen } = rollout.spec.strategy ?? {};
      const strategy = { blueGreen: { ...blueGreen, scaleDownDelaySeconds: 10 } };
      return plan({ ...snapshot, rollout: { ...rollout, spec: { ...rollout.spec, strategy } } }, now);
    },
    released,
  ],
  [
    "takes every pod for available, and has nobody look again",
    "users are served",
    (snapshot, now) => {
      const replicaSets = snapshot.replicaSets.map((one) => {
        const { replicas = 0 } = one.spec;
        const counts = { replicas, readyReplicas: replicas, availableReplicas: replicas };
        return { ...one, status: { ...one.status, ...counts } };
      });
      const made = plan({ ...snapshot, replicaSets }, now);
      const actions = made.actions.map((action): Action => {
        if (action.effect?.on !== "requests") return action;
        const { provided: _, ...unchecked } = action;
        return unchecked;
      });
      return { ...made, actions };
    },
    story(
      [1, { do: "podsBehave", version: "v3", behaviour: { neverReady: true } }],
      [5, { do: "deploy", version: "v3" }],
      [5, { do: "promote" }],
    ),
  ],
  [
    "leaves the active Service as somebody else has changed it",
    "users are served",
    (snapshot, now) =>
      without(plan(snapshot, now), ({ effect }) => {
        const isBack = effect?.to === snapshot.rollout.status?.stableRS;
        return effect?.on === "requests" && effect.from !== undefined && isBack;
      }),
    story(
      [5, { do: "promote" }],
      [60, { do: "point", role: "active", version: "v1" }],
      [80, { do: "resume" }],
    ),
  ],
  [
    "does not go back",
    "an abort leads back",
    (snapshot, now) =>
      without(
        plan(snapshot, now),
        ({ effect }) => effect?.on === "requests" && snapshot.rollout.status?.abort === true,
      ),
    {
      ...story([20, { do: "promote" }], [2, { do: "abort" }], [90, { do: "resume" }]),
      routesAfterSeconds: 15,
    },
  ],
  [
    "wants less as soon as all is well",
    "nobody is shrunk",
    ({ rollout, ...snapshot }, now) => {
      const replicas = rollout.status?.phase === "Healthy" ? 1 : 3;
      return plan({ ...snapshot, rollout: { ...rollout, spec: { ...rollout.spec, replicas } } }, now);
    },
    waiting,
  ],
  [
    "calls the newest version live",
    "the status is true",
    (snapshot, now) => {
      const made = plan(snapshot, now);
      const { currentPodHash: activeSelector = "", blueGreen } = made.status;
      return { ...made, status: { ...made.status, blueGreen: { ...blueGreen, activeSelector } } };
    },
    waiting,
  ],
  [
    "never retires anything",
    "comes to rest",
    (snapshot, now) => without(plan(snapshot, now), ({ effect }) => effect?.on === "pods" && effect.to === 0),
    released,
  ],
  [
    "forgets what was promoted",
    "can be finished",
    withStatus(({ controllerPause: _, ...status }) => status),
    waiting,
  ],
  ["says something new in every pass", "no hot loop", talkative(), waiting],
  [
    "makes a mistake",
    "no bug of its own",
    () => {
      throw new TypeError("a mistake");
    },
    waiting,
  ],
];

for (const [misdeed, rule, planner, occasion] of badPlanners) {
  test(`notices a planner that ${misdeed}`, async () => {
    const good = await play(occasion, { faults: true });
    assert.deepEqual(good.violations, [], "Teal's planner breaks no rule");
    const bad = await play(occasion, { faults: true, plan: planner });
    const rules = bad.violations.map((violation) => violation.rule);
    assert.ok(rules.includes(rule), `${rule} is not among ${JSON.stringify(rules)}`);
  });
}

type Status = NonNullable<Snapshot["rollout"]["status"]>;

function withStatus(change: (status: Status) => Status): Planner {
  return ({ rollout, ...snapshot }, now) =>
    plan({ ...snapshot, rollout: { ...rollout, status: change(rollout.status ?? {}) } }, now);
}

function talkative(): Planner {
  let count = 0;
  return (snapshot, now) => {
    const made = plan(snapshot, now);
    return { ...made, status: { ...made.status, message: `pass ${count++}` } };
  };
}

function without(made: Plan, isDropped: (action: Action) => boolean): Plan {
  return { ...made, actions: made.actions.filter((action) => !isDropped(action)) };
}
