import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Rollout, RolloutStatus } from "../../api/rollout.ts";
import { FakeWorld } from "../fake-world.fixture.ts";
import { run } from "../run.ts";

const namespace = "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts";

function rollout(resourceVersion: string, state: RolloutStatus): Rollout {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: {
      name: "web",
      namespace: "default",
      uid: "r",
      generation: 1,
      resourceVersion,
      creationTimestamp: "2026-01-01T00:00:00Z",
    },
    spec: { strategy: { blueGreen: { activeService: "a" } } },
    status: { observedGeneration: "1", ...state },
  };
}

const progressing = rollout("2", { phase: "Progressing", message: "more replicas need to be updated" });
const paused = rollout("4", { phase: "Paused", message: "BlueGreenPause" });
const waiting = rollout("4", {
  phase: "Paused",
  message: "BlueGreenPause",
  conditions: [
    {
      type: "Waiting",
      status: "True",
      reason: "AwaitPromotion",
      message: "somebody to promote",
      lastTransitionTime: "2025-12-31T23:55:00Z",
    },
  ],
});
const healthy = rollout("5", { phase: "Healthy" });
const degraded = rollout("6", { phase: "Degraded", message: "RolloutAborted: by hand" });

function worldOf(first: Rollout, more: ConstructorParameters<typeof FakeWorld>[0] = {}): FakeWorld {
  const list = (items: readonly Rollout[]) => ({ metadata: { resourceVersion: "2" }, items });
  return new FakeWorld({
    [`GET ${namespace}/web`]: first,
    [`GET ${namespace}`]: list([first]),
    "GET /apis/apps/v1/namespaces/default/replicasets": list([]),
    "GET /api/v1/namespaces/default/pods": list([]),
    ...more,
  });
}

/** Starts a command and tells it of later states of the Rollout. */
async function follow(
  line: string,
  world: FakeWorld,
  later: readonly Rollout[],
): Promise<() => Promise<number>> {
  let code: number | undefined;
  const ended = run(line.split(" "), world).then((it) => {
    code = it;
    return it;
  });
  await world.clock.settle();
  for (const object of later) {
    const watch = world.watches.find(({ request }) => request.path === namespace);
    watch?.sink.event({ type: "MODIFIED", object });
    await world.clock.settle();
  }
  return async () => {
    await world.clock.settle();
    return code ?? ended;
  };
}

describe("teal status", () => {
  it("prints each state once and comes back when the Rollout is Healthy", async () => {
    const world = worldOf(progressing);
    const ended = await follow("status web", world, [
      rollout("3", progressing.status ?? {}),
      paused,
      healthy,
    ]);
    assert.equal(await ended(), 0);
    assert.equal(
      world.out,
      "Progressing - more replicas need to be updated\nPaused - BlueGreenPause\nHealthy\n",
    );
    assert.deepEqual(world.watches, []);
    assert.equal(world.clock.pending, 0);
  });

  it("fails when the Rollout is Degraded", async () => {
    const world = worldOf(progressing);
    const ended = await follow("status web", world, [degraded]);
    assert.equal(await ended(), 1);
    assert.equal(
      world.error,
      "rollout 'web' is waiting for pods of the new version to become available; it goes on as soon as they are\n" +
        "rollout 'web' is broken: RolloutAborted: by hand; mend the template, or what its pods need\n" +
        "Error: The rollout is in a degraded state with message: RolloutAborted: by hand\n",
    );
  });

  it("says beside what the plugin says what is waited for, once", async () => {
    const world = worldOf(progressing);
    const ended = await follow("status web", world, [waiting, { ...waiting }, healthy]);
    assert.equal(await ended(), 0);
    assert.equal(
      world.out,
      "Progressing - more replicas need to be updated\nPaused - BlueGreenPause\nHealthy\n",
    );
    assert.equal(
      world.error,
      "rollout 'web' is waiting for pods of the new version to become available; it goes on as soon as they are\n" +
        "rollout 'web' is waiting for somebody to promote, since 2025-12-31T23:55:00Z (5m); `teal promote web` ends it\n",
    );
  });

  it("says it at once with --watch=false too", async () => {
    const world = worldOf(waiting);
    assert.equal(await run(["status", "web", "--watch=false"], world), 0);
    assert.equal(world.out, "Paused - BlueGreenPause\n");
    assert.equal(
      world.error,
      "rollout 'web' is waiting for somebody to promote, since 2025-12-31T23:55:00Z (5m); `teal promote web` ends it\n",
    );
  });

  it("gives up when the time is over", async () => {
    const world = worldOf(paused);
    const ended = await follow("status web --timeout 60s", world, []);
    await world.clock.advance(59);
    assert.doesNotMatch(world.error, /Error/);
    await world.clock.advance(1);
    assert.equal(await ended(), 1);
    assert.match(world.error, /Error: Rollout status watch exceeded timeout\n$/);
    assert.equal(world.clock.pending, 0);
  });

  const once: readonly [Rollout, string, number][] = [
    [paused, "Paused - BlueGreenPause\n", 0],
    [healthy, "Healthy\n", 0],
    [degraded, "Degraded\n", 1],
  ];
  for (const [given, text, code] of once) {
    it(`with --watch=false says ${text.trim()} and exits with ${code}`, async () => {
      const world = worldOf(given);
      assert.equal(await run(["status", "web", "--watch=false"], world), code);
      assert.equal(world.out, text);
      assert.deepEqual(world.watches, []);
    });
  }
});

describe("a kind that may not be read", () => {
  const forbidden = {
    code: 403,
    body: { kind: "Status", status: "Failure", reason: "Forbidden", code: 403, message: "no" },
  };
  const pods = "GET /api/v1/namespaces/default/pods";

  it("ends teal get rollout --watch, which shows it, with an error", async () => {
    const answers = {
      [`GET ${namespace}/web`]: healthy,
      [`GET ${namespace}`]: { metadata: {}, items: [healthy] },
    };
    const world = new FakeWorld({
      ...answers,
      "GET /apis/apps/v1/namespaces/default/replicasets": { metadata: {}, items: [] },
      [pods]: forbidden,
    });
    assert.equal(await run(["get", "rollout", "web", "--watch"], world), 1);
    assert.equal(world.error, "Error: no\n");
    assert.equal(world.clock.pending, 0);
  });

  it("ends teal get rollout --watch also when it is forbidden later", async () => {
    let answer: object = { metadata: { resourceVersion: "2" }, items: [] };
    const world = worldOf(progressing, { [pods]: () => answer });
    const ended = await follow("get rollout web --watch", world, []);
    answer = forbidden;
    const watch = world.watches.find(({ request }) => request.path.endsWith("/pods"));
    watch?.sink.event({
      type: "ERROR",
      object: {
        apiVersion: "v1",
        kind: "Status",
        metadata: {},
        status: "Failure",
        code: 410,
        reason: "Expired",
      },
    });
    await world.clock.advance(5);
    assert.equal(await ended(), 1);
    assert.equal(
      world.error,
      "Error: cannot watch pods: no; these credentials need the verbs list and watch\n",
    );
    assert.equal(world.clock.pending, 0);
  });

  it("ends teal status with an error where it is the Rollout", async () => {
    const world = worldOf(progressing, { [`GET ${namespace}`]: forbidden });
    assert.equal(await run(["status", "web"], world), 1);
    assert.equal(
      world.error,
      "Error: cannot watch rollouts.argoproj.io: no; these credentials need the verbs list and watch\n",
    );
    assert.equal(world.clock.pending, 0);
  });

  it("does not keep teal status and why from saying what they know", async () => {
    const world = worldOf(progressing, { [pods]: forbidden });
    const ended = await follow("status web", world, [healthy]);
    assert.equal(await ended(), 0);
    assert.equal(await run(["why", "web"], world), 0);
    assert.equal(await run(["status", "web", "--watch=false"], world), 0);
    assert.doesNotMatch(world.error, /no\n/);
  });
});

describe("teal why", () => {
  it("says in one line why the Rollout stands where it stands, and succeeds", async () => {
    const world = worldOf(waiting);
    assert.equal(await run(["why", "web"], world), 0);
    assert.equal(
      world.out,
      "rollout 'web' is waiting for somebody to promote, since 2025-12-31T23:55:00Z (5m); `teal promote web` ends it\n",
    );
  });

  it("succeeds whatever the answer is, but for a Rollout that is not there", async () => {
    const world = worldOf(degraded);
    assert.equal(await run(["why", "web"], world), 0);
    assert.equal(await run(["why", "other"], world), 1);
    assert.match(world.error, /"other" not found/);
  });
});

describe("teal get rollout", () => {
  it("shows what is waited for, after the message", async () => {
    const world = worldOf(waiting);
    assert.equal(await run(["get", "rollout", "web"], world), 0);
    const lines = world.out.split("\n");
    const at = lines.findIndex((line) => line.startsWith("Message:"));
    assert.equal(lines[at + 1], "Waiting:         for somebody to promote (5m): `teal promote web` ends it");
    assert.match(lines[at + 2] ?? "", /^Strategy:/);
  });

  it("shows none where nothing is", async () => {
    const world = worldOf(healthy);
    await run(["get", "rollout", "web"], world);
    assert.doesNotMatch(world.out, /Waiting/);
  });

  it("--watch is not written again because a wait has lasted longer", async () => {
    const world = worldOf(waiting);
    await follow("get rollout web -w", world, []);
    await world.clock.advance(10);
    assert.equal(world.out.match(/^Waiting:/gm)?.length, 1);
    world.interrupt();
    await world.clock.settle();
  });
});

describe("teal get rollout --watch", () => {
  it("writes the tree again when something has happened, not when time has passed", async () => {
    const world = worldOf(progressing);
    await follow("get rollout web -w", world, []);
    await world.clock.advance(10);
    assert.equal(world.out.match(/^Name:/gm)?.length, 1);
    world.watches[0]?.sink.event({ type: "MODIFIED", object: healthy });
    await world.clock.advance(1);
    assert.equal(world.out.match(/^Name:/gm)?.length, 2);
    assert.match(world.out, /Status: {10}✔ Healthy/);
    world.interrupt();
    await world.clock.settle();
    assert.deepEqual(world.watches, []);
    assert.equal(world.clock.pending, 0);
  });

  it("draws over itself on a terminal, at most five times a second", async () => {
    const world = worldOf(progressing);
    world.interactive = true;
    const ended = await follow("get rollout web -w --timeout-seconds 3", world, [paused, healthy]);
    await world.clock.advance(0.2);
    assert.equal(world.out.split("\x1b[H\x1b[2J").length - 1, 2);
    await world.clock.advance(3);
    assert.equal(await ended(), 0);
  });

  it("fails for a Rollout that does not exist, and when it is deleted", async () => {
    const missing = new FakeWorld();
    assert.equal(await run(["get", "rollout", "web", "-w"], missing), 1);
    assert.equal(missing.error, 'Error: rollouts "web" not found\n');
    const world = worldOf(healthy);
    const ended = await follow("get rollout web -w", world, []);
    world.watches[0]?.sink.event({
      type: "DELETED",
      object: { ...healthy, metadata: { ...healthy.metadata, resourceVersion: "9" } },
    });
    await world.clock.advance(1);
    assert.equal(await ended(), 1);
    assert.equal(world.error, 'Error: rollout "web" has been deleted\n');
  });
});
