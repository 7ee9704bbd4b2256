import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { runs } from "../../test/effort.ts";
import type { KubernetesObject } from "../api/core.ts";
import { hasLabels } from "../api/label-selector.ts";
import type { Rollout } from "../api/rollout.ts";
import { IndexedObjects } from "../kubernetes/indexed-objects.ts";
import { ownerlessFor, ownerlessKeys, selectingRollouts, selectorKeys } from "./orphan-index.ts";
import { rollout } from "./small-cluster.fixture.ts";

type Labels = Readonly<Record<string, string>>;

function selecting(name: string, matchLabels: Labels): Rollout {
  const made = rollout(name);
  return { ...made, spec: { ...made.spec, selector: { matchLabels } } };
}

function orphan(name: string, labels: Labels): KubernetesObject {
  return { apiVersion: "apps/v1", kind: "ReplicaSet", metadata: { name, namespace: "shop", labels } };
}

function indexed(rollouts: readonly Rollout[], orphans: readonly KubernetesObject[]) {
  const byRollout = new IndexedObjects<Rollout>({ selector: selectorKeys });
  const byOrphan = new IndexedObjects<KubernetesObject>({ ownerless: ownerlessKeys });
  for (const one of rollouts) byRollout.put(one);
  for (const one of orphans) byOrphan.put(one);
  return {
    rolloutsFor: (one: KubernetesObject) => selectingRollouts(one, (key) => byRollout.by("selector", key)),
    orphansFor: (one: Rollout) => ownerlessFor(one, (key) => byOrphan.by("ownerless", key)),
  };
}

const labels = fc.dictionary(fc.constantFrom("app", "part", "tier", "hash"), fc.constantFrom("a", "b"));
const selects = ({ spec }: Rollout, { metadata }: KubernetesObject): boolean =>
  hasLabels(metadata.labels, spec.selector?.matchLabels ?? {});

describe("ownerless ReplicaSets and the Rollouts that select them", () => {
  it("find all of each other, whatever labels they have", () => {
    fc.assert(
      fc.property(fc.array(labels, { maxLength: 8 }), fc.array(labels, { maxLength: 8 }), (left, right) => {
        const rollouts = left.map((it, at) => selecting(`web-${at}`, it));
        const orphans = right.map((it, at) => orphan(`set-${at}`, it));
        const { rolloutsFor, orphansFor } = indexed(rollouts, orphans);
        for (const one of orphans) {
          const wanted = rollouts.filter((it) => selects(it, one));
          assert.deepEqual(new Set(rolloutsFor(one).filter((it) => selects(it, one))), new Set(wanted));
        }
        for (const one of rollouts) {
          const wanted = orphans.filter((it) => selects(one, it));
          assert.deepEqual(new Set(orphansFor(one).filter((it) => selects(one, it))), new Set(wanted));
        }
      }),
      runs(300),
    );
  });

  it("look at nobody else's, though all have labels in common", () => {
    const numbers = Array.from({ length: 300 }, (_, at) => String(at));
    const own = (at: string): Labels => ({ part: "shop", tier: "web", app: at });
    const rollouts = numbers.map((at) => selecting(`web-${at}`, own(at)));
    const orphans = numbers.map((at) => orphan(`web-${at}`, { ...own(at), hash: "1", zone: "a" }));
    const { rolloutsFor, orphansFor } = indexed(rollouts, orphans);
    for (const at of [0, 150, 299]) {
      assert.deepEqual(rolloutsFor(orphans[at] ?? assert.fail()), [rollouts[at]]);
      assert.deepEqual(orphansFor(rollouts[at] ?? assert.fail()), [orphans[at]]);
    }
  });
});
