import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ReplicaSet } from "../../src/api/core.ts";
import type { Rollout } from "../../src/api/rollout.ts";
import { printWords } from "../../src/cli/print/words.ts";
import type { Instant } from "../../src/time/clock.ts";
import { byOwner, seenOf } from "../../src/view/seen.ts";
import { whyOf } from "../../src/view/why.ts";
import { World } from "./world.ts";

const manual = { autoPromotionEnabled: false };

function why(world: World, seconds = 0): string {
  const { rollout, replicaSets, now } = seconds === 0 ? world : world.pass(seconds);
  return told(rollout, replicaSets, now);
}

function told(rollout: Rollout, replicaSets: readonly ReplicaSet[], now: Instant): string {
  return printWords(whyOf(seenOf(rollout, byOwner(replicaSets), byOwner([]))), now);
}

const paused = (strategy: object = {}): World =>
  new World({ ...manual, ...strategy }).settle().deploy("web:2").settle();

const cases: readonly [string, () => string, string][] = [
  [
    "nothing is left to do",
    () => why(new World().settle(), 61),
    "rollout 'web' waits for nothing: revision 1 (web:1) is live since 2026-01-01T00:00:00Z (61s)",
  ],
  [
    "the old version is still warm",
    () => why(paused().promote().settle(), 10),
    "rollout 'web' waits for nothing: revision 2 (web:2) is live since 2026-01-01T00:00:00Z (10s); " +
      "the old one, revision 1, goes at 2026-01-01T00:00:30Z (in 20s)",
  ],
  [
    "somebody has to promote",
    () => why(paused(), 300),
    "rollout 'web' is waiting for somebody to promote, since 2026-01-01T00:00:00Z (5m); " +
      "`teal promote web` ends it",
  ],
  [
    "the pause has an end",
    () => why(new World({ autoPromotionSeconds: 60 }).settle().deploy("web:2").settle(), 5),
    "rollout 'web' is waiting for autoPromotionSeconds to pass, until 2026-01-01T00:01:00Z, " +
      "since 2026-01-01T00:00:00Z (5s); `teal promote web` ends it",
  ],
  [
    "pods do not come up",
    () => why(new World().settle().fail("web:2").deploy("web:2").settle(), 60),
    "rollout 'web' is waiting for pods of the new version to become available (0 of 2 are), " +
      "since 2026-01-01T00:00:00Z (60s); it goes on as soon as they are, `teal abort web` gives it up; " +
      "without progress it counts as late at 2026-01-01T00:10:00Z (in 9m)",
  ],
  [
    "a first version does not come up",
    () => why(new World().fail("web:1").settle(), 5),
    "rollout 'web' is waiting for pods of the new version to become available (0 of 2 are), " +
      "since 2026-01-01T00:00:00Z (5s); it goes on as soon as they are",
  ],
  [
    "the update is late",
    () =>
      why(new World({}, { progressDeadlineSeconds: 60 }).settle().fail("web:2").deploy("web:2").settle(), 61),
    "rollout 'web' is late: it has been waiting for pods of the new version to become available (0 of 2 are), " +
      "since 2026-01-01T00:00:00Z (61s); mend the template, or give the update up with `teal abort web`",
  ],
  [
    "it is paused in its spec, with an update",
    () => why(new World().settle().edit({ paused: true }).deploy("web:2").settle(), 5),
    "rollout 'web' is waiting for spec.paused to be taken back, since 2026-01-01T00:00:00Z (5s); " +
      "`teal promote web` ends it",
  ],
  [
    "it is paused in its spec, without one",
    () => why(new World().settle().edit({ paused: true }).settle(), 5),
    "rollout 'web' is paused by spec.paused since 2026-01-01T00:00:00Z (5s), and there is no update that waits; " +
      "a new version will, until `teal promote web` takes the pause back",
  ],
  [
    "it was aborted by somebody",
    () => why(paused().ask({ abort: true }).settle(), 10),
    "the update of rollout 'web' to revision 2 was aborted at 2026-01-01T00:00:00Z (10s ago); " +
      "users are on revision 1 (web:1); `teal retry rollout web` starts it again; " +
      "its pods go at 2026-01-01T00:00:30Z (in 20s)",
  ],
  [
    "it was aborted because it was late",
    () =>
      why(
        new World({}, { progressDeadlineSeconds: 60, progressDeadlineAbort: true })
          .settle()
          .fail("web:2")
          .deploy("web:2")
          .settle()
          .pass(61),
        100,
      ),
    "the update of rollout 'web' to revision 2 was aborted at 2026-01-01T00:01:01Z (100s ago): ReplicaSet \"HASH\" " +
      "has timed out progressing; users are on revision 1 (web:1); `teal retry rollout web` starts it again",
  ],
  [
    "users cannot be taken back",
    () => {
      const world = new World().settle();
      world.lagging.set("web", world.slices("web"));
      world.deploy("web:2").settle();
      world.rollout = {
        ...world.rollout,
        status: { ...world.status, blueGreen: { activeSelector: "other" } },
      };
      return why(world.fail("web:1").ask({ abort: true }).settle(), 5);
    },
    "the update of rollout 'web' to revision 2 was aborted at 2026-01-01T00:00:00Z (5s ago); users are not all back yet: " +
      "waiting for pods of the stable version to become available (0 of 2 are); " +
      "`teal retry rollout web` starts it again",
  ],
  [
    "the spec is invalid",
    () => why(new World().edit({ replicas: -1 }).settle(), 5),
    "rollout 'web' is not carried out since 2026-01-01T00:00:00Z (5s): spec.replicas: Invalid value: -1: " +
      "must be greater than or equal to 0; it goes on as soon as that is put right",
  ],
  [
    "somebody has promoted and nobody has noticed",
    () => {
      const world = paused().promote();
      return told(world.rollout, world.replicaSets, world.now);
    },
    "rollout 'web' has been promoted and waits for its controller to notice; if this stays so, no controller runs for it",
  ],
  [
    "nobody has looked at it",
    () => {
      const { rollout, now } = new World();
      return told(rollout, [], now);
    },
    "rollout 'web' waits for a controller to look at its spec: generation 1 is there, none has been looked at; " +
      "if this stays so, no controller runs for it, and `teal controller` starts one",
  ],
  [
    "nobody has looked at its newest spec",
    () => {
      const { rollout, replicaSets, now } = new World().settle().deploy("web:2");
      return told(rollout, replicaSets, now);
    },
    "rollout 'web' waits for a controller to look at its spec: generation 2 is there, 1 has been looked at; " +
      "if this stays so, no controller runs for it, and `teal controller` starts one",
  ],
  [
    "it belongs to a controller with an id",
    () => {
      const { rollout, now } = new World();
      const labels = { "argo-rollouts.argoproj.io/controller-instance-id": "blue" };
      const labelled = { ...rollout, metadata: { ...rollout.metadata, labels } };
      return told(labelled, [], now);
    },
    "rollout 'web' waits for a controller to look at its spec: generation 1 is there, none has been looked at; " +
      "if this stays so, no controller runs for it, and `teal controller --instance-id blue` starts one",
  ],
  [
    "it is on its way out",
    () => {
      const { rollout, now } = new World().settle();
      const metadata = { ...rollout.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" };
      return told({ ...rollout, metadata }, [], now);
    },
    "rollout 'web' is being deleted",
  ],
];

describe("why a Rollout stands where it stands", () => {
  for (const [when, say, expected] of cases) {
    it(`is said when ${when}`, () => {
      assert.equal(say().replaceAll(/web-[0-9a-z]{8,}/g, "HASH"), expected);
    });
  }
});
