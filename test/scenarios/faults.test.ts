import { test } from "node:test";
import {
  abort,
  active,
  blueGreen,
  deploy,
  dialects,
  healthy,
  notRetiring,
  type Play,
  phase,
  playScenario,
  preview,
  promote,
  retiring,
  running,
  scenario,
  selects,
  size,
  stable,
  trafficConfirms,
  trafficStalls,
  versions,
  writesFail,
} from "./bed/language.ts";
import type { Failure } from "./bed/severed-transport.ts";

const manual = { autoPromotionEnabled: false };
const failures: readonly Failure[] = ["conflict", "server error", "lost before", "lost after"];
const anyWrite = / /;
const replicaSets = /^PATCH .*\/replicasets\//;
const services = /^PATCH .*\/services\//;

/** More than a release costs, so that every write has its turn. */
const writesOfARelease = 26;

const releaseWith =
  (failure: Failure, after: number): Play =>
  async (given, when, then, afterwards) => {
    await given(blueGreen(manual), running("v1"));
    await when(writesFail(anyWrite, failure, { after }), deploy("v2"));
    await afterwards(5, "s");
    await then(active("v1"), preview("v2"), size("v1", 2), size("v2", 2), phase("Paused", "BlueGreenPause"));
    await when(promote());
    await afterwards(5, "s");
    await then(active("v2"), stable("v2"), healthy);
    await afterwards(40, "s");
    await then(active("v2"), healthy, size("v1", 0), size("v2", 2), versions("v1", "v2"));
  };

for (const failure of failures) {
  for (const dialect of dialects)
    test(`a release ends the same whichever of its writes fails: ${failure} [${dialect}]`, async (context) => {
      for (let after = 0; after < writesOfARelease; after++)
        await context.test(`write ${after + 1}`, (inner) =>
          playScenario(inner, dialect, releaseWith(failure, after), { restless: true }),
        );
    });

  scenario(
    `the end of the old version is noted again when that fails: ${failure}`,
    async (given, when, then, after) => {
      await given(blueGreen(), running("v1"));
      await when(deploy("v2"), deploy("v3"));
      await after(40, "s");
      await when(writesFail(replicaSets, failure, { after: 1 }), deploy("v4"));
      await after(2, "s");
      await then(active("v4"), retiring("v3"));
      await after(31, "s");
      await then(size("v3", 0), healthy);
    },
  );

  scenario(
    `the old version is scaled down in the next attempt when one fails: ${failure}`,
    async (given, when, then, after) => {
      await given(blueGreen(), running("v1"));
      await when(deploy("v2"), writesFail(replicaSets, failure));
      await after(33, "s");
      await then(size("v1", 0), active("v2"), healthy);
    },
  );
}

scenario(
  "an aborted version keeps its pods as long as users cannot be taken back",
  async (given, when, then, after) => {
    await given(blueGreen(manual), running("v1"));
    await when(trafficStalls(), deploy("v2"), promote(), writesFail(services, "server error", { times: 8 }));
    await when(abort());
    await then(selects("web", "v2"), size("v2", 2), notRetiring("v2"));
    await after(2, "min");
    await when(trafficConfirms());
    await then(active("v1"), size("v2", 2), retiring("v2"), phase("Degraded", /^RolloutAborted: /));
    await after(31, "s");
    await then(size("v2", 0));
  },
  { only: "embedded" },
);

scenario("goes on after the API server was out of order for a while", async (given, when, then, after) => {
  await given(blueGreen(), running("v1"));
  await when(writesFail(anyWrite, "lost before", { times: 10 }), deploy("v2"));
  await then(active("v1"));
  await after(5, "min");
  await then(active("v2"), healthy);
});
