import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { PodTemplateSpec } from "../../src/api/core.ts";
import { podTemplateHashLabel, templateAnnotation } from "../../src/api/names.ts";
import { hashOf, sizeOf } from "../../src/rollout/replica-set.ts";
import { templateHash, templateIdentity } from "../../src/rollout/template.ts";
import { asMadeByArgo, type Traces } from "./argo.ts";
import { template, World } from "./world.ts";

const manual = { autoPromotionEnabled: false };
const automatic = { autoPromotionEnabled: true };

/** Everything that users, and whoever pays for pods, notice of a Rollout. */
function seenOf(world: World): object {
  const { phase, message, stableRS, currentPodHash, blueGreen } = world.status;
  return {
    phase,
    message,
    stableRS,
    currentPodHash,
    ...blueGreen,
    sizes: world.replicaSets.map((it) => [it.metadata.name, sizeOf(it)]),
    deadlines: world.replicaSets.map((it) => it.metadata.annotations?.["scale-down-deadline"]),
    selectors: [...world.services.values()].map(({ spec }) => spec.selector),
    events: world.events,
  };
}

/** Settles, and tells which calls that took. */
function callsOf(world: World, act: (world: World) => unknown = () => {}): readonly string[] {
  const before = world.calls.length;
  act(world);
  world.settle();
  return world.calls.slice(before).filter((call) => call !== "patch status");
}

function withContainer(change: (container: object) => object) {
  return (whole: PodTemplateSpec): PodTemplateSpec => {
    const [first, ...others] = whole.spec.containers;
    return { ...whole, spec: { ...whole.spec, containers: [change(first ?? {}), ...others] as never } };
  };
}

/** What webhooks and newer API servers do to a template that is stored. */
const changes: Readonly<Record<string, (template: PodTemplateSpec) => PodTemplateSpec>> = {
  "a sidecar": (it) => ({
    ...it,
    spec: { ...it.spec, containers: [...it.spec.containers, { name: "proxy", image: "proxy:1" }] },
  }),
  "a label": (it) => ({ ...it, metadata: { ...it.metadata, labels: { ...it.metadata?.labels, team: "a" } } }),
  "an annotation": (it) => ({ ...it, metadata: { ...it.metadata, annotations: { "example.com/x": "" } } }),
  "a variable": withContainer((it) => ({ ...it, env: [{ name: "REGION", value: "eu" }] })),
  "another pull policy": withContainer((it) => ({ ...it, imagePullPolicy: "Always" })),
  "a default of a newer API server": (it) => ({
    ...it,
    spec: { ...it.spec, hostUsers: true, schedulingPolicy: { kind: "Fair" } } as PodTemplateSpec["spec"],
  }),
  "a container's default of a newer API server": withContainer((it) => ({ ...it, probePolicy: "Strict" })),
  "a field dropped": (it) => {
    const { securityContext: _, ...spec } = it.spec as PodTemplateSpec["spec"] & { securityContext?: object };
    return { ...it, spec: { ...spec, terminationGracePeriodSeconds: 5 } };
  },
};

const injections: Readonly<Record<string, Traces>> = {
  "labels of activeMetadata": { activeMetadata: { labels: { role: "active" } } },
  "annotations of activeMetadata": { activeMetadata: { annotations: { role: "active" } } },
  "labels of previewMetadata": { previewMetadata: { labels: { role: "preview" } } },
  "a required anti-affinity": { antiAffinity: "required" },
  "a preferred anti-affinity": { antiAffinity: "preferred" },
};

describe("a Rollout taken over from Argo's controller", () => {
  for (const [what, traces] of Object.entries(injections)) {
    it(`at rest, and in an update, stays as it is with ${what}, which nobody needs to write down`, () => {
      for (const strategy of [manual, automatic]) {
        const world = new World(strategy).settle();
        assert.deepEqual(callsOf(asMadeByArgo(world, traces)), []);
      }
      const world = asMadeByArgo(new World(manual).settle().deploy("web:2").settle(), traces);
      assert.deepEqual(callsOf(world), []);
      assert.equal(world.status.message, "BlueGreenPause");
    });

    it(`is recognised with ${what} also when its spec has changed elsewhere in between`, () => {
      const world = asMadeByArgo(new World(manual).settle().deploy("web:2").settle(), traces);
      assert.deepEqual(
        new Set(callsOf(world, (it) => it.edit({ replicas: 3 }))),
        new Set(["scale ReplicaSet"]),
      );
      assert.equal(world.status.message, "BlueGreenPause");
    });
  }

  for (const [what, strategy] of Object.entries({ manual, automatic })) {
    it(`gets its pods back at once when somebody deletes its live ReplicaSet, ${what}`, () => {
      const world = asMadeByArgo(new World(strategy).settle());
      const hash = world.status.stableRS ?? "";
      const service = world.services.get("web");
      world.replicaSets = [];
      assert.deepEqual(callsOf(world), ["create ReplicaSet", "scale ReplicaSet"]);
      assert.deepEqual(
        world.replicaSets.map((it) => [it.metadata.name, hashOf(it), sizeOf(it)]),
        [[`web-${hash}`, hash, 2]],
      );
      assert.deepEqual(
        [world.live(), world.status.phase, world.services.get("web")],
        ["web:1", "Healthy", service],
      );
    });
  }

  it("gets its preview back under the hash that the preview Service has, with what was decided about it", () => {
    const world = asMadeByArgo(new World(manual).settle().deploy("web:2").settle());
    const { currentPodHash, pauseConditions } = world.status;
    world.replicaSets = world.replicaSets.filter((it) => hashOf(it) !== currentPodHash);
    assert.deepEqual(callsOf(world), ["create ReplicaSet", "scale ReplicaSet"]);
    assert.deepEqual([world.live(), world.live("web-preview"), world.size("web:2")], ["web:1", "web:2", 2]);
    assert.deepEqual(
      [world.status.message, world.status.pauseConditions],
      ["BlueGreenPause", pauseConditions],
    );
  });

  it("does not bring another template out under the hash of a ReplicaSet that was deleted", () => {
    const world = asMadeByArgo(new World(manual).settle());
    const hash = world.status.stableRS;
    world.replicaSets = [];
    world.deploy("web:2").settle();
    assert.notEqual(world.status.currentPodHash, hash);
    assert.equal(world.status.message, "BlueGreenPause");
  });

  for (const claim of ["", "no hash", "../x", "A"])
    it(`makes no ReplicaSet for what cannot be a hash: ${JSON.stringify(claim)}`, () => {
      const world = new World(manual).settle();
      world.replicaSets = [];
      world.ask({ currentPodHash: claim }).settle();
      assert.match(hashOf(world.replicaSets[0] ?? assert.fail()), /^[a-z0-9]{10}$/);
    });

  for (const [what, change] of Object.entries(changes)) {
    it(`keeps its pods with ${what} in the stored template, now and after the next resize`, () => {
      for (const strategy of [manual, automatic]) {
        const world = asMadeByArgo(new World(strategy).settle(), { change });
        const before = seenOf(world);
        assert.deepEqual(callsOf(world), ["patch ReplicaSet"]);
        assert.deepEqual(seenOf(world), before);
        assert.deepEqual(
          callsOf(world, (it) => it.edit({ replicas: 5 })),
          ["scale ReplicaSet"],
        );
        assert.equal(world.status.phase, "Healthy");
      }
    });

    it(`goes back to its pods with ${what} when another version came in between`, () => {
      const world = asMadeByArgo(new World(manual).settle(), { change }).settle();
      const hash = world.status.currentPodHash;
      world.deploy("web:2").settle().deploy("web:1").settle();
      assert.deepEqual([world.status.currentPodHash, world.status.stableRS], [hash, hash]);
      assert.equal(world.replicaSets.length, 2);
      assert.equal(world.live(), "web:1");
    });

    it(`updates with ${what} as ever`, () => {
      const world = asMadeByArgo(new World(manual).settle(), { change }).settle().deploy("web:2").settle();
      assert.deepEqual([world.live(), world.live("web-preview")], ["web:1", "web:2"]);
      world.promote().settle();
      assert.deepEqual([world.live(), world.status.phase], ["web:2", "Healthy"]);
    });
  }

  it("finds the version of a former ReplicaSet that a person takes from what is stored in it", () => {
    const world = asMadeByArgo(new World(manual).settle().deploy("web:2").settle().promote().settle(), {
      change: changes["a sidecar"],
    }).settle();
    const former = world.of("web:1");
    const { [podTemplateHashLabel]: _, ...labels } = former?.spec.template.metadata?.labels ?? {};
    const spec = former?.spec.template.spec ?? { containers: [] };
    world.edit({ template: { metadata: { labels }, spec } }).settle();
    assert.equal(world.replicaSets.length, 2);
    assert.equal(world.status.currentPodHash, former === undefined ? "" : hashOf(former));
  });

  const happening: fc.Arbitrary<(world: World) => unknown> = fc.oneof(
    fc.constantFrom("web:1", "web:2", "web:3").map((image) => (w: World) => w.deploy(image)),
    fc.constantFrom("web:2", "web:3").map((image) => (w: World) => w.fail(image)),
    fc.constant((w: World) => w.promote()),
    fc.constant((w: World) => w.ask({ promoteFull: true })),
    fc.constant((w: World) => w.ask({ abort: true })),
    fc.constant((w: World) => w.ask({ abort: false })),
    fc.boolean().map((paused) => (w: World) => w.edit({ paused })),
    fc.integer({ min: 1, max: 4 }).map((replicas) => (w: World) => w.edit({ replicas })),
    fc.integer({ min: 1, max: 40 }).map((seconds) => (w: World) => w.pass(seconds)),
  );
  const strategy = fc.record(
    {
      autoPromotionEnabled: fc.boolean(),
      autoPromotionSeconds: fc.constantFrom(0, 10),
      scaleDownDelaySeconds: fc.constantFrom(10, 30),
      abortScaleDownDelaySeconds: fc.constantFrom(0, 30),
      previewReplicaCount: fc.constantFrom(1, 2),
    },
    { requiredKeys: [] },
  );
  const metadata = fc.record({
    labels: fc.dictionary(fc.constantFrom("role", "tier"), fc.constantFrom("", "a", "b")),
    annotations: fc.dictionary(fc.constantFrom("role", "x/y"), fc.constantFrom("", "a", "b")),
  });
  const traces: fc.Arbitrary<Traces> = fc.record(
    {
      activeMetadata: metadata,
      previewMetadata: metadata,
      antiAffinity: fc.constantFrom("required" as const, "preferred" as const),
      change: fc.constantFrom(...Object.values(changes)),
    },
    { requiredKeys: [] },
  );
  const container = fc.record(
    {
      resources: fc.constantFrom({ limits: { memory: 134217728 } }, { requests: { cpu: "0.5" } }),
      readinessProbe: fc.constant({ httpGet: { port: 80 } }),
      env: fc.constant([{ name: "A", value: "" }]),
    },
    { requiredKeys: [] },
  );

  it("stays as it is wherever its controller was stopped, and goes on from there", () => {
    fc.assert(
      fc.property(
        strategy,
        container,
        fc.array(happening, { maxLength: 12 }),
        traces,
        (blueGreen, more, happenings, left) => {
          const world = new World(blueGreen, { template: template("web:1", more) }).settle();
          for (const happens of happenings) {
            happens(world);
            world.settle();
          }
          asMadeByArgo(world, left);
          const before = seenOf(world);
          const calls = callsOf(world);
          assert.deepEqual(seenOf(world), before);
          assert(calls.every((call) => call === "patch ReplicaSet") && calls.length <= 1, calls.join());
          if (left.change === undefined) assert.deepEqual(calls, []);
          const resized = callsOf(world, (it) => it.edit({ replicas: 6 }));
          assert(!resized.includes("create ReplicaSet"), "a resize makes no new version");
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("which ReplicaSet is current", () => {
  /** A cluster whose webhook changes the template of every new ReplicaSet. */
  class Webhook extends World {
    override carryOut(...plan: Parameters<World["carryOut"]>): void {
      const known = new Set(this.replicaSets.map(({ metadata }) => metadata.name));
      super.carryOut(...plan);
      this.replicaSets = this.replicaSets.map((it) =>
        known.has(it.metadata.name)
          ? it
          : {
              ...it,
              spec: { ...it.spec, template: changes["a sidecar"]?.(it.spec.template) ?? it.spec.template },
            },
      );
    }
  }

  it("is known also where a webhook changes what Teal makes", () => {
    const world = new Webhook(manual).settle();
    assert.deepEqual(
      callsOf(world, (it) => it.edit({ replicas: 3 })),
      ["scale ReplicaSet"],
    );
    world.deploy("web:2").settle().edit({ replicas: 1 }).settle();
    assert.equal(world.replicaSets.length, 2);
    world.deploy("web:1").settle();
    assert.equal(world.replicaSets.length, 2);
    assert.deepEqual([world.live(), world.status.phase], ["web:1", "Healthy"]);
  });

  it("is the one of a template that was changed while the spec was invalid", () => {
    const world = new World(manual).settle();
    world.services.delete("web-preview");
    world.deploy("web:2").settle();
    assert.match(world.status.message ?? "", /^InvalidSpec/);
    world.addService("web-preview").settle();
    assert.equal(world.live("web-preview"), "web:2");
  });

  it("is a new one, with a hash of its own, when another template has got its hash", () => {
    const world = new World(manual).settle();
    const taken = templateHash(templateIdentity(template("web:2")));
    const [first] = world.replicaSets;
    assert(first !== undefined);
    const label = { [podTemplateHashLabel]: taken };
    world.replicaSets.push({
      ...first,
      metadata: {
        ...first.metadata,
        name: `other-${taken}`,
        labels: label,
        annotations: {},
      },
      spec: { ...first.spec, replicas: 0, template: template("other:1") },
    });
    world.deploy("web:2").settle();
    const made = world.of("web:2");
    assert(made !== undefined);
    assert.notEqual(hashOf(made), taken);
    assert.equal(world.live("web-preview"), "web:2");
    world.edit({ replicas: 3 }).settle().promote().settle();
    assert.deepEqual([world.live(), world.status.phase], ["web:2", "Healthy"]);
  });

  it("is not told by an annotation of the Rollout", () => {
    const world = new World(manual);
    const { metadata } = world.rollout;
    world.rollout = {
      ...world.rollout,
      metadata: { ...metadata, annotations: { [templateAnnotation]: "0000000000000001", team: "a" } },
    };
    world.settle();
    const annotations = world.of("web:1")?.metadata.annotations;
    assert.equal(annotations?.["team"], "a");
    assert.equal(
      annotations?.[templateAnnotation],
      templateIdentity(template("web:1")).toString(16).padStart(16, "0"),
    );
  });
});
