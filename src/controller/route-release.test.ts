import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Service } from "../api/core.ts";
import { instanceIdLabel, managedByAnnotation } from "../api/names.ts";
import { resources } from "../api/resources.ts";
import type { Rollout } from "../api/rollout.ts";
import { refusal, rollout, type Scene, scene, service, started, writesOf } from "./small-cluster.fixture.ts";

const { rollouts, services } = resources;

describe("a Service that a Rollout managed", () => {
  const managed = service("web-active", { [managedByAnnotation]: "web", other: "kept" }, "1");
  const stateOf = ({ cluster }: Scene) => {
    const { metadata, spec } = cluster.find<Service>(services, "web-active") ?? service("none");
    return { annotations: metadata.annotations, selector: spec.selector };
  };
  const kept = { annotations: managed.metadata.annotations, selector: managed.spec.selector };
  const released = { annotations: { other: "kept" }, selector: { app: "web" } };

  test("is released when the Rollout is deleted", async () => {
    const run = scene();
    run.cluster.put(rollouts, rollout("web"));
    run.cluster.put(services, managed);
    await started(run);
    assert.deepEqual(stateOf(run), kept);
    run.cluster.remove(rollouts, "web");
    await run.clock.settle();
    assert.deepEqual(stateOf(run), released);
    assert.deepEqual(writesOf(run), { "patch services": 1 });
    await run.controller.stop();
  });

  test("is released when the Rollout was deleted while the controller was away", async () => {
    const run = scene();
    run.cluster.put(services, managed);
    await started(run);
    assert.deepEqual(stateOf(run), released);
    await run.controller.stop();
  });

  test("is released when the Rollout names another one", async () => {
    const run = scene();
    run.cluster.put(rollouts, rollout("web"));
    run.cluster.put(services, managed);
    await started(run);
    run.cluster.put(rollouts, {
      ...rollout("web"),
      spec: { strategy: { blueGreen: { activeService: "next" } } },
    });
    await run.clock.settle();
    assert.deepEqual(stateOf(run), released);
    await run.controller.stop();
  });

  const keeping: readonly [string, Rollout][] = [
    [
      "its Rollout belongs to another instance, which decides about it",
      {
        ...rollout("web", { labels: { [instanceIdLabel]: "b" } }),
        spec: { strategy: { blueGreen: { activeService: "next" } } },
      },
    ],
    ["its Rollout has another strategy", { ...rollout("web"), spec: { strategy: { canary: {} } } }],
    [
      "another Rollout names it",
      { ...rollout("b"), spec: { strategy: { blueGreen: { activeService: "web-active" } } } },
    ],
  ];
  for (const [title, owner] of keeping) {
    test(`is left alone when ${title}`, async () => {
      const run = scene();
      run.cluster.put(rollouts, owner);
      run.cluster.put(services, managed);
      await started(run);
      assert.deepEqual(stateOf(run), kept);
      await run.controller.stop();
    });
  }

  test("is left alone when only the cache has lost the Rollout", async () => {
    const run = scene();
    run.cluster.put(services, managed);
    run.cluster.hold(rollouts);
    await run.controller.start();
    run.cluster.put(rollouts, rollout("web"));
    await run.clock.settle();
    assert.deepEqual(stateOf(run), kept);
    await run.controller.stop();
  });

  test("is released after a conflict and a failed request", async () => {
    const run = scene();
    let refusals = 3;
    run.cluster.put(services, managed);
    run.cluster.intercept = ({ method }) =>
      method === "PATCH" && refusals-- > 0 ? refusal(refusals === 2 ? 409 : 503, "Conflict") : undefined;
    await started(run);
    assert.deepEqual(stateOf(run), kept);
    await run.clock.advance(2);
    assert.deepEqual(stateOf(run), released);
    await run.controller.stop();
  });
});
