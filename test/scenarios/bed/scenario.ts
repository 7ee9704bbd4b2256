import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { rolloutCustomResourceDefinition } from "../../../src/api/schema/rollout.ts";
import { type Dialect, dialects } from "../../../src/cluster/in-process/dialect.ts";
import { type Act, deploy } from "./acts.ts";
import { ApplicationUnderTest } from "./application-under-test.ts";
import { type Expectation, healthy } from "./expectations.ts";
import { bareSetting, type Given, mainApplication, type Setting } from "./setting.ts";
import { TestCluster } from "./test-cluster.ts";

const secondsPerUnit = { s: 1, min: 60, h: 3600 } as const;

type Unit = keyof typeof secondsPerUnit;

/** Sets the scene; comes first, once. */
type GivenWord = (...given: readonly Given[]) => Promise<void>;
/** Does these things one after the other, each with all its consequences. */
type WhenWord = (...acts: readonly Act[]) => Promise<void>;
/** States what is so now. */
type ThenWord = (...expectations: readonly Expectation[]) => Promise<void>;
/** Lets time pass. */
type AfterWord = (amount: number, unit: Unit) => Promise<void>;

export type Play = (given: GivenWord, when: WhenWord, then: ThenWord, after: AfterWord) => Promise<void>;

export interface ScenarioOptions {
  /** On this kind of cluster only, as elsewhere there is nothing of what it is about. */
  readonly only?: Dialect;
  /** Something goes on for ever (a crash loop), so no rest is expected at the end. */
  readonly restless?: boolean;
}

// An act and all its consequences that need no waiting; covers the retry after a conflict.
const momentSeconds = 0.1;
const hour = 3600;
// Longer than any delay or deadline that a scenario leaves running at its end, and than a superseded version is kept.
const settlingSeconds = 1.5 * hour;

/**
 * One scenario, on a cluster of its own of each kind. Besides what it states itself, at every step nothing must have happened that never
 * may (`Witness`), and in the end the controller must write nothing when nothing changes, and leave no timer behind.
 */
export function scenario(title: string, play: Play, options: ScenarioOptions = {}): void {
  for (const dialect of options.only === undefined ? dialects : [options.only])
    test(`${title} [${dialect}]`, (context) => playScenario(context, dialect, play, options));
}

/** The same within a test that plays several. */
export async function playScenario(
  context: Pick<TestContext, "diagnostic">,
  dialect: Dialect,
  play: Play,
  options: ScenarioOptions = {},
): Promise<void> {
  let stage: ApplicationUnderTest | undefined;
  const onStage = (): ApplicationUnderTest => {
    if (stage === undefined) throw new Error("a scenario begins with given(...)");
    return stage;
  };
  try {
    await play(
      async (...given) => {
        const setting = given.reduce((so, add) => add(so), bareSetting);
        const cluster = new TestCluster(setting, dialect);
        stage = new ApplicationUnderTest(cluster, setting.applications, mainApplication);
        await cluster.start(rolloutCustomResourceDefinition());
        await setTheScene(stage, setting);
      },
      async (...acts) => {
        for (const act of acts) {
          await act(onStage());
          await pass(onStage().cluster, momentSeconds);
        }
      },
      async (...expectations) => {
        for (const expectation of expectations) await expectation(onStage());
      },
      (amount, unit) => pass(onStage().cluster, amount * secondsPerUnit[unit]),
    );
    await assertRest(onStage().cluster, options);
  } catch (error) {
    for (const line of stage?.cluster.log ?? []) context.diagnostic(line);
    for (const problem of stage?.cluster.problems ?? []) context.diagnostic(`problem: ${problem}`);
    throw error;
  } finally {
    await stage?.cluster.stop();
  }
  assert.equal(onStage().cluster.clock.pending, 0, "timers left behind");
}

async function setTheScene(app: ApplicationUnderTest, { applications, running }: Setting): Promise<void> {
  if (running === undefined) return;
  for (const { name } of applications) await deploy(running)(app.other(name));
  // In whole seconds, as times in the API have no others.
  await pass(app.cluster, 15);
  for (const { name } of applications) await healthy(app.other(name));
}

async function pass(cluster: TestCluster, seconds: number): Promise<void> {
  await cluster.clock.advance(seconds);
  assert.ok(!cluster.controllerWroteWithoutEnd, "the controller writes without end");
  assert.deepEqual(cluster.witness.violations, []);
}

async function assertRest(cluster: TestCluster, { restless = false }: ScenarioOptions): Promise<void> {
  if (!restless) {
    await pass(cluster, settlingSeconds);
    const writes = cluster.controllerWrites;
    await pass(cluster, hour);
    assert.equal(cluster.controllerWrites, writes, "the controller writes although nothing changes");
  }
  assert.deepEqual(cluster.problems, [], "problems reported");
}
