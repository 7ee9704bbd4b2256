import assert from "node:assert/strict";
import type { Cell } from "./bed/cell.ts";
import { activeService, previewService, type Setting } from "./bed/manifests.ts";

/** A story as users live it, from a first version to a state that stays. */
export interface Scenario {
  readonly name: string;
  readonly setting: Setting;
  play(cell: Cell): Promise<void>;
}

/** So long that no version is scaled down within a test. */
const long = { scaleDownDelaySeconds: 3600, abortScaleDownDelaySeconds: 3600 };
/** So short that a test can wait for it. */
const short = { scaleDownDelaySeconds: 1, abortScaleDownDelaySeconds: 1 };

const scenario = (name: string, setting: Setting, play: Scenario["play"]): Scenario => ({
  name,
  setting,
  play,
});

const healthy = { phase: "Healthy", isAborted: false } as const;
const paused = { phase: "Paused", reason: "BlueGreenPause" } as const;
const on = (version: string) => ({ active: version, stable: version, live: version }) as const;

export const scenarios: readonly Scenario[] = [
  scenario("first deploy", {}, async (cell) => {
    await cell.deploy("v1");
    await cell.end({ ...healthy, ...on("v1"), preview: "v1", sizes: { v1: 2 }, available: { v1: 2 } });
  }),

  scenario("update and promote", { strategy: short }, async (cell) => {
    await cell.running("v1");
    await cell.deploy("v2");
    await cell.until({ ...paused, ...on("v1"), preview: "v2", sizes: { v1: 2, v2: 2 } });
    await cell.promote("v2");
    await cell.end({ ...healthy, ...on("v2"), preview: "v2", sizes: { v1: 0, v2: 2 } });
  }),

  scenario("auto promotion", { strategy: { ...short, autoPromotionEnabled: true } }, async (cell) => {
    await cell.running("v1");
    cell.allow("v2");
    await cell.deploy("v2");
    await cell.end({ ...healthy, ...on("v2"), preview: "v2", sizes: { v1: 0, v2: 2 } });
  }),

  scenario(
    "timed auto promotion",
    { strategy: { ...long, autoPromotionEnabled: true, autoPromotionSeconds: 2 } },
    async (cell) => {
      await cell.running("v1");
      cell.allow("v2");
      await cell.deploy("v2");
      await cell.until({ ...paused, ...on("v1"), preview: "v2" });
      await cell.end({ ...healthy, ...on("v2"), sizes: { v1: 2, v2: 2 } });
      const seen = cell.room.firstSeen(({ phase }) => phase === "Paused");
      const switched = cell.room.firstSeen(({ active }) => active === "v2");
      // The controller began to count before it wrote the pause: by as much as one slow request.
      assert.ok(switched - seen > 1300, `the pause of 2 s lasted ${switched - seen} ms`);
    },
  ),

  scenario("previewReplicaCount", { strategy: { ...short, previewReplicaCount: 1 } }, async (cell) => {
    await cell.running("v1");
    await cell.deploy("v2");
    await cell.until({ ...paused, ...on("v1"), preview: "v2", sizes: { v1: 2, v2: 1 } });
    await cell.promote("v2");
    await cell.end({ ...healthy, ...on("v2"), sizes: { v1: 0, v2: 2 } });
  }),

  scenario("promote --full", { strategy: { ...long, previewReplicaCount: 1 } }, async (cell) => {
    await cell.running("v1");
    await cell.deploy("v2");
    await cell.until({ ...paused, sizes: { v1: 2, v2: 1 } });
    cell.allow("v2");
    await cell.changeStatus({ promoteFull: true });
    await cell.end({ ...healthy, ...on("v2"), sizes: { v1: 2, v2: 2 } });
  }),

  scenario("abort before the switch", { strategy: short }, async (cell) => {
    await cell.running("v1");
    await cell.deploy("v2");
    await cell.until({ ...paused, preview: "v2" });
    await cell.abort();
    await cell.end({ phase: "Degraded", isAborted: true, ...on("v1"), sizes: { v1: 2, v2: 0 } });
  }),

  scenario("abort after the switch", { strategy: long }, async (cell) => {
    await cell.running("v1");
    await cell.deploy("v2");
    await cell.until({ ...paused, preview: "v2" });
    cell.holdConfirmation();
    await cell.promote("v2");
    await cell.until({ active: "v2" });
    await cell.abort();
    await cell.until({ active: "v1" });
    cell.proxy.release();
    await cell.end({ phase: "Degraded", isAborted: true, ...on("v1"), sizes: { v1: 2, v2: 2 } });
  }),

  scenario("retry", { strategy: { ...long, abortScaleDownDelaySeconds: 1 } }, async (cell) => {
    await cell.running("v1");
    await cell.deploy("v2");
    await cell.until({ ...paused, preview: "v2" });
    await cell.abort();
    await cell.until({ phase: "Degraded", isAborted: true, sizes: { v1: 2, v2: 0 } });
    await cell.retry();
    await cell.until({ ...paused, isAborted: false, ...on("v1"), preview: "v2", sizes: { v1: 2, v2: 2 } });
    await cell.promote("v2");
    await cell.end({ ...healthy, ...on("v2"), sizes: { v1: 2, v2: 2 } });
  }),

  scenario(
    "retry with previewReplicaCount",
    { strategy: { ...long, previewReplicaCount: 1 } },
    async (cell) => {
      await cell.running("v1");
      await cell.deploy("v2");
      await cell.until({ ...paused, sizes: { v1: 2, v2: 1 } });
      await cell.abort();
      await cell.until({ phase: "Degraded", isAborted: true });
      await cell.retry();
      await cell.until({ ...paused, isAborted: false, preview: "v2", sizes: { v1: 2, v2: 1 } });
      await cell.promote("v2");
      await cell.end({ ...healthy, ...on("v2"), sizes: { v1: 2, v2: 2 } });
    },
  ),

  scenario("undo within the delay", { strategy: long }, async (cell) => {
    await cell.running("v1");
    await cell.deploy("v2");
    await cell.until({ ...paused, preview: "v2" });
    await cell.promote("v2");
    await cell.until({ ...healthy, ...on("v2") });
    await cell.deploy("v1");
    await cell.end({ ...healthy, ...on("v1"), preview: "v1", sizes: { v1: 2, v2: 2 } });
  }),

  scenario("undo after the delay", { strategy: short }, async (cell) => {
    await cell.running("v1");
    await cell.deploy("v2");
    await cell.until({ ...paused, preview: "v2" });
    await cell.promote("v2");
    await cell.until({ ...healthy, ...on("v2"), sizes: { v1: 0, v2: 2 } });
    cell.room.allow("v2");
    await cell.deploy("v1");
    await cell.until({ ...paused, ...on("v2"), preview: "v1", sizes: { v1: 2, v2: 2 } });
    await cell.promote("v1");
    await cell.end({ ...healthy, ...on("v1"), sizes: { v1: 2, v2: 0 } });
  }),

  scenario("v3 during v2's preview", { strategy: short }, async (cell) => {
    await cell.running("v1");
    await cell.deploy("v2");
    await cell.until({ ...paused, preview: "v2" });
    await cell.deploy("v3");
    await cell.until({ ...paused, ...on("v1"), preview: "v3", sizes: { v1: 2, v2: 0, v3: 2 } });
    await cell.promote("v3");
    await cell.end({ ...healthy, ...on("v3"), sizes: { v1: 0, v2: 0, v3: 2 } });
  }),

  scenario("v3 during v2's unconfirmed switch", { strategy: long }, async (cell) => {
    await cell.running("v1");
    await cell.deploy("v2");
    await cell.until({ ...paused, preview: "v2" });
    cell.holdConfirmation();
    await cell.promote("v2");
    await cell.until({ active: "v2" });
    // Nobody is sent back.
    cell.room.allow("v2");
    await cell.deploy("v3");
    await cell.until({ preview: "v3", sizes: { v1: 2, v2: 2, v3: 2 }, isObserved: true });
    cell.proxy.release();
    await cell.until({ ...paused, active: "v2" });
    await cell.promote("v3");
    await cell.end({ ...healthy, ...on("v3"), sizes: { v1: 2, v2: 2, v3: 2 } });
  }),

  scenario("pause and resume", { strategy: long }, async (cell) => {
    await cell.running("v1");
    await cell.change({ paused: true });
    await cell.until({ phase: "Paused", isObserved: true });
    await cell.deploy("v2");
    await cell.until({
      phase: "Paused",
      ...on("v1"),
      preview: "v1",
      sizes: { v1: 2, v2: 2 },
      isObserved: true,
    });
    await cell.change({ paused: false });
    await cell.until({ ...paused, ...on("v1"), preview: "v2" });
    await cell.promote("v2");
    await cell.end({ ...healthy, ...on("v2"), sizes: { v1: 2, v2: 2 } });
  }),

  scenario("resize during an update", { strategy: long }, async (cell) => {
    await cell.running("v1");
    await cell.deploy("v2");
    await cell.until({ ...paused, preview: "v2" });
    await cell.change({ replicas: 3 });
    await cell.until({ ...paused, ...on("v1"), available: { v1: 3, v2: 3 } });
    await cell.promote("v2");
    await cell.until({ ...healthy, ...on("v2") });
    await cell.change({ replicas: 1 });
    await cell.when(({ sizes }) => sizes["v2"] === 1, "expected v2 to have one pod");
    await cell.end({ ...healthy, ...on("v2") });
  }),

  scenario("bad image", { strategy: long, spec: { progressDeadlineSeconds: 6 } }, async (cell) => {
    await cell.running("v1");
    await cell.deploy("bad2");
    await cell.until({ phase: "Degraded", ...on("v1"), preview: "bad2", available: { v1: 2, bad2: 0 } });
    await cell.deploy("v3");
    await cell.until({ ...paused, ...on("v1"), preview: "v3" });
    await cell.promote("v3");
    await cell.end({ ...healthy, ...on("v3"), preview: "v3" });
  }),

  scenario("active selector stripped", { strategy: long }, async (cell) => {
    await cell.running("v1");
    await cell.deploy("v2");
    await cell.until({ ...paused, preview: "v2" });
    await cell.stripSelector(activeService);
    await cell.until({ ...paused, ...on("v1") });
    await cell.promote("v2");
    await cell.until({ ...healthy, ...on("v2") });
    await cell.stripSelector(activeService);
    await cell.end({ ...healthy, ...on("v2"), sizes: { v1: 2, v2: 2 } });
  }),

  scenario("preview Service deleted and made anew", { strategy: long }, async (cell) => {
    await cell.running("v1");
    await cell.deploy("v2");
    await cell.until({ ...paused, preview: "v2" });
    await cell.deleteService(previewService);
    await cell.until({ phase: "Degraded", active: "v1", preview: undefined });
    await cell.createService(previewService);
    await cell.until({ ...paused, ...on("v1"), preview: "v2" });
    await cell.promote("v2");
    await cell.end({ ...healthy, ...on("v2"), preview: "v2", sizes: { v1: 2, v2: 2 } });
  }),

  scenario("delete the Rollout", { strategy: long }, async (cell) => {
    await cell.running("v1");
    await cell.deploy("v2");
    await cell.until({ ...paused, preview: "v2" });
    await cell.deleteRollout();
    await cell.end({
      phase: undefined,
      sizes: {},
      pods: 0,
      active: "none",
      preview: "none",
      managedServices: 0,
    });
  }),

  scenario("controller killed again and again", { strategy: short }, async (cell) => {
    await cell.running("v1");
    const early = cell.killedAtWrite(2);
    await cell.deploy("v2");
    await early;
    await cell.until({ ...paused, ...on("v1"), preview: "v2" });
    const atTheSwitch = cell.killedAtWrite(1);
    await cell.promote("v2");
    await atTheSwitch;
    await cell.killedAtWrite(1);
    await cell.end({ ...healthy, ...on("v2"), preview: "v2", sizes: { v1: 0, v2: 2 } });
  }),
];
