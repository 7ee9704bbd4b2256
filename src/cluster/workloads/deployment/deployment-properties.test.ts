import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { runs } from "../../../../test/effort.ts";
import type { Pod } from "../../../api/core.ts";
import { resources } from "../../../api/resources.ts";
import { isActive, isReady } from "../pods.ts";
import { DeploymentBed } from "./deployment.fixture.ts";
import { boundsOf, type Deployment } from "./deployment.ts";

type Act =
  | { readonly do: "setImage"; readonly image: string }
  | { readonly do: "becomeReady" | "fail"; readonly pod: number }
  | { readonly do: "scale"; readonly replicas: number }
  | { readonly do: "pause" | "resume" };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("setImage" as const),
      image: fc.constantFrom("web:1", "web:2", "web:3"),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("becomeReady" as const), pod: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("fail" as const), pod: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("scale" as const), replicas: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("pause" as const, "resume" as const) }) },
);

const bounds = fc
  .record({
    maxSurge: fc.constantFrom(0, 1, 3, "25%", "50%"),
    maxUnavailable: fc.constantFrom(0, 1, 2, "25%", "100%"),
  })
  .filter(({ maxSurge, maxUnavailable }) => maxSurge !== 0 || maxUnavailable !== 0);

async function perform(it: DeploymentBed, done: Act): Promise<void> {
  const pods = (await it.bed.pods()).filter(isActive);
  switch (done.do) {
    case "setImage":
      return await it.setImage(done.image);
    case "scale":
      return await it.patch({ replicas: done.replicas });
    case "pause":
    case "resume":
      return await it.patch({ paused: done.do === "pause" });
    case "becomeReady":
    case "fail": {
      const pod = pods[done.pod % Math.max(1, pods.length)];
      if (pod !== undefined) await it.bed.podRuns(pod.metadata.name, "127.9.0.2", done.do === "becomeReady");
    }
  }
}

test("never has more pods than it may, gives up none that must serve, and gets where it is told to", async (context) => {
  await fc.assert(
    fc.asyncProperty(bounds, fc.array(act, { minLength: 5, maxLength: 40 }), async (rollingUpdate, acts) => {
      const it = await DeploymentBed.start(context, {
        replicas: 4,
        strategy: { type: "RollingUpdate", rollingUpdate },
      });
      await it.bed.letPodsRun();
      let most = 0;
      for (const done of acts) {
        const before = (await it.bed.pods()).filter(isActive);
        const old = await it.get();
        await perform(it, done);
        const deployment = await it.get();
        const pods = (await it.bed.pods()).filter(isActive);
        most = Math.max(boundsOf(deployment).most, pods.length < most ? pods.length : most);
        assert.ok(pods.length <= most, `${pods.length} pods, ${most} at most, after ${JSON.stringify(done)}`);
        if (done.do !== "scale" && done.do !== "fail") checkServed(before, pods, old, deployment);
      }
      await it.patch({ paused: false });
      for (let rounds = 0; rounds < 5; rounds++) {
        for (const pod of (await it.bed.pods()).filter((each) => isActive(each) && !isReady(each)))
          await it.bed.podRuns(pod.metadata.name, "127.9.0.2").catch(() => undefined);
        await it.bed.letPodsRun();
      }
      await checkRest(it);
    }),
    runs(30),
  );
});

/** Of pods that served, so many are left as must be, or as there were. */
function checkServed(before: readonly Pod[], after: readonly Pod[], old: Deployment, now: Deployment): void {
  const served = before.filter(isReady).length;
  const serves = after.filter(isReady).length;
  const least = Math.min(boundsOf(old).least, boundsOf(now).least);
  assert.ok(serves >= Math.min(served, least), `${serves} serve, ${served} did, ${least} must`);
}

async function checkRest(it: DeploymentBed): Promise<void> {
  const { spec, status } = await it.get();
  const pods = (await it.bed.pods()).filter(isActive);
  const image = spec.template.spec.containers[0]?.image;
  assert.deepEqual(
    pods.map((pod) => pod.spec.containers[0]?.image),
    Array.from({ length: spec.replicas ?? 1 }, () => image),
  );
  assert.equal(status?.availableReplicas ?? 0, spec.replicas);
  // By then events that were told again have been counted up.
  await it.bed.clock.advance(60);
  it.bed.transport.writes.length = 0;
  await it.bed.clock.advance(3600);
  assert.deepEqual(it.bed.transport.writes, []);
  await it.bed.delete(resources.deployments, "web");
}
