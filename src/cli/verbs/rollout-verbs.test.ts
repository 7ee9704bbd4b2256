import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ReplicaSet } from "../../api/core.ts";
import type { Rollout } from "../../api/rollout.ts";
import type { Command } from "../command.ts";
import { FakeWorld } from "../fake-world.fixture.ts";
import { run } from "../run.ts";
import { abort } from "./abort.ts";
import { listRollouts } from "./list-rollouts.ts";
import { pause } from "./pause.ts";
import { promote } from "./promote.ts";
import { retryRollout } from "./retry.ts";
import { setImage } from "./set-image.ts";
import { undo } from "./undo.ts";

const commands: readonly Command[] = [abort, listRollouts, pause, promote, retryRollout, setImage, undo];
const path = "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts/web";

const paused: Rollout = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Rollout",
  metadata: { name: "web", namespace: "default", uid: "r", generation: 2, resourceVersion: "7" },
  spec: {
    replicas: 2,
    strategy: { blueGreen: { activeService: "a" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image: "web:2" }] },
    },
  },
  status: {
    observedGeneration: "2",
    phase: "Paused",
    message: "BlueGreenPause",
    controllerPause: true,
    pauseConditions: [{ reason: "BlueGreenPause", startTime: "2026-01-01T00:00:00Z" }],
    currentPodHash: "new",
    stableRS: "old",
  },
};
const withStatus = (status: Rollout["status"]): Rollout => ({
  ...paused,
  status: { ...paused.status, ...status },
});
const updating = withStatus({
  phase: "Progressing",
  message: "more replicas need to be updated",
  controllerPause: false,
  pauseConditions: [],
});
const healthy = withStatus({
  phase: "Healthy",
  message: "",
  controllerPause: false,
  pauseConditions: [],
  stableRS: "new",
});

/** A server that has one Rollout, whatever is done to it. */
function worldOf(rollout: Rollout, more: ConstructorParameters<typeof FakeWorld>[0] = {}): FakeWorld {
  const methods = ["GET", "PATCH", "PUT"].map((method) => [`${method} ${path}`, rollout]);
  return new FakeWorld({ ...Object.fromEntries(methods), [`PATCH ${path}/status`]: rollout, ...more });
}

const teal = (line: string, world: FakeWorld): Promise<number> => run(line.split(" "), commands, world);

describe("teal promote", () => {
  it("takes the pause away", async () => {
    const world = worldOf(paused);
    assert.equal(await teal("promote web", world), 0);
    assert.equal(world.out, "rollout 'web' promoted\n");
    assert.deepEqual(world.writes, [[`PATCH ${path}/status`, { status: { pauseConditions: null } }]]);
  });

  it("also lets a Rollout go on that somebody has paused by hand", async () => {
    const world = worldOf({ ...paused, spec: { ...paused.spec, paused: true } });
    assert.equal(await teal("promote web", world), 0);
    assert.deepEqual(world.writes, [
      [`PATCH ${path}/status`, { status: { pauseConditions: null } }],
      [`PATCH ${path}`, { spec: { paused: false } }],
    ]);
  });

  it("asks for everything with --full while an update is under way", async () => {
    const world = worldOf(updating);
    assert.equal(await teal("promote web --full", world), 0);
    assert.equal(world.out, "rollout 'web' fully promoted\n");
    assert.deepEqual(world.writes, [[`PATCH ${path}/status`, { status: { promoteFull: true } }]]);
  });

  it("writes to the object itself where the kind has no status subresource", async () => {
    const world = new FakeWorld({ [`GET ${path}`]: paused, [`PATCH ${path}`]: paused });
    assert.equal(await teal("promote web", world), 0);
    assert.deepEqual(world.writes.at(-1), [`PATCH ${path}`, { status: { pauseConditions: null } }]);
  });

  const refusals: readonly [when: string, line: string, rollout: Rollout, message: string][] = [
    [
      "there is no new version",
      "promote web",
      healthy,
      "rollout 'web' cannot be promoted: it is Healthy and has no new version. " +
        'Give it one, for example with "teal set image web CONTAINER=IMAGE"',
    ],
    [
      "there is no new version, also with --full",
      "promote --full web",
      healthy,
      "rollout 'web' cannot be promoted: it is Healthy and has no new version. " +
        'Give it one, for example with "teal set image web CONTAINER=IMAGE"',
    ],
    [
      "the preview is not ready",
      "promote web",
      updating,
      "rollout 'web' cannot be promoted: it is Progressing - more replicas need to be updated. " +
        'Wait until it is Paused ("teal status web"), or skip all pauses with "teal promote web --full"',
    ],
    [
      "the update has been aborted",
      "promote web",
      withStatus({
        abort: true,
        phase: "Degraded",
        message: "RolloutAborted: by hand",
        pauseConditions: [],
        controllerPause: false,
      }),
      "rollout 'web' cannot be promoted: it is Degraded - RolloutAborted: by hand. " +
        'Start the update again with "teal retry rollout web"',
    ],
  ];
  for (const [when, line, rollout, message] of refusals) {
    it(`refuses when ${when}, and says what to do`, async () => {
      const world = worldOf(rollout);
      assert.equal(await teal(line, world), 1);
      assert.equal(world.error, `Error: ${message}\n`);
      assert.deepEqual(world.writes, []);
    });
  }

  it("says which Rollout is not there", async () => {
    const world = new FakeWorld();
    assert.equal(await teal("promote web", world), 1);
    assert.equal(world.error, 'Error: rollouts "web" not found\n');
  });
});

describe("teal abort, retry and pause", () => {
  const cases: readonly [line: string, out: string, write: readonly [string, unknown]][] = [
    ["abort web", "rollout 'web' aborted\n", [`PATCH ${path}/status`, { status: { abort: true } }]],
    ["retry rollout web", "rollout 'web' retried\n", [`PATCH ${path}/status`, { status: { abort: false } }]],
    ["retry ro web", "rollout 'web' retried\n", [`PATCH ${path}/status`, { status: { abort: false } }]],
    ["pause web", "rollout 'web' paused\n", [`PATCH ${path}`, { spec: { paused: true } }]],
  ];
  for (const [line, out, write] of cases) {
    it(`teal ${line} writes what the plugin of Argo Rollouts writes`, async () => {
      const world = worldOf(updating);
      assert.equal(await teal(line, world), 0);
      assert.equal(world.out, out);
      assert.deepEqual(world.writes, [write]);
    });
  }
});

describe("teal set image", () => {
  const imagesIn = (body: unknown): readonly (string | undefined)[] =>
    (body as Rollout).spec.template?.spec.containers.map(({ image }) => image) ?? [];
  const two: Rollout = {
    ...paused,
    spec: {
      ...paused.spec,
      template: {
        spec: {
          containers: [
            { name: "web", image: "web:2" },
            { name: "log", image: "log:1" },
          ],
        },
      },
    },
  };

  it("changes the container that is named and keeps everything else", async () => {
    const world = worldOf(two);
    assert.equal(await teal("set image web web=web:3", world), 0);
    assert.equal(world.out, 'rollout "web" image updated\n');
    const [[request, body] = ["", undefined]] = world.writes;
    assert.equal(request, `PUT ${path}`);
    assert.deepEqual(imagesIn(body), ["web:3", "log:1"]);
    assert.deepEqual((body as Rollout).metadata, two.metadata);
  });

  it("changes all containers for *", async () => {
    const world = worldOf(two);
    assert.equal(await teal("set image web *=all:1", world), 0);
    assert.deepEqual(imagesIn(world.writes[0]?.[1]), ["all:1", "all:1"]);
  });

  it("names the containers there are when it finds none of that name", async () => {
    const world = worldOf(two);
    assert.equal(await teal("set image web wbe=web:3", world), 1);
    assert.equal(world.error, 'Error: unable to find container named "wbe"; there is web, log\n');
  });

  it("reads again and retries when somebody has written in between", async () => {
    let conflicts = 0;
    const world = worldOf(two, {
      [`PUT ${path}`]: () =>
        ++conflicts < 3
          ? { code: 409, body: { kind: "Status", reason: "Conflict", message: "too old" } }
          : two,
    });
    assert.equal(await teal("set image web web=web:3", world), 0);
    assert.equal(world.writes.length, 3);
  });

  it("gives up after five conflicts", async () => {
    const conflict = { code: 409, body: { kind: "Status", reason: "Conflict", message: "too old" } };
    const world = worldOf(two, { [`PUT ${path}`]: conflict });
    assert.equal(await teal("set image web web=web:3", world), 1);
    assert.equal(world.writes.length, 5);
  });

  it("changes the Deployment that the Rollout refers to", async () => {
    const deploymentPath = "/apis/apps/v1/namespaces/default/deployments/web-app";
    const deployment = { ...two, kind: "Deployment", metadata: { name: "web-app", namespace: "default" } };
    const referring = { ...paused, spec: { workloadRef: { kind: "Deployment", name: "web-app" } } };
    const world = worldOf(referring, {
      [`GET ${deploymentPath}`]: deployment,
      [`PUT ${deploymentPath}`]: deployment,
    });
    assert.equal(await teal("set image web web=web:3", world), 0);
    assert.equal(world.out, 'deployment "web-app" image updated\n');
  });

  it("does not take a word that is no CONTAINER=IMAGE", async () => {
    const world = worldOf(two);
    assert.equal(await teal("set image web web:3", world), 2);
    assert.equal(world.error, 'Error: must be CONTAINER=IMAGE, not "web:3"\n');
  });
});

describe("teal undo", () => {
  const replicaSet = (revision: number, hash: string): ReplicaSet => ({
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `web-${hash}`,
      labels: { "rollouts-pod-template-hash": hash },
      annotations: { "rollout.argoproj.io/revision": String(revision) },
      ownerReferences: [{ apiVersion: "argoproj.io/v1alpha1", kind: "Rollout", name: "web", uid: "r" }],
    },
    spec: {
      selector: {},
      template: {
        metadata: { labels: { app: "web", "rollouts-pod-template-hash": hash } },
        spec: { containers: [{ name: "web", image: `web:${hash}` }] },
      },
    },
  });
  const list = { metadata: {}, items: [replicaSet(1, "first"), replicaSet(3, "new"), replicaSet(2, "old")] };
  const world = (): FakeWorld =>
    worldOf(paused, { "GET /apis/apps/v1/namespaces/default/replicasets": list });
  const templateOf = (hash: string) => ({
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "web", image: `web:${hash}` }] },
  });

  it("puts the last but newest template in place, without its hash", async () => {
    const it = world();
    assert.equal(await teal("undo web", it), 0);
    assert.equal(it.out, "rollout 'web' undo\n");
    const patch = [{ op: "replace", path: "/spec/template", value: templateOf("old") }];
    assert.deepEqual(it.writes, [[`PATCH ${path}`, patch]]);
  });

  it("goes back to the revision that is asked for", async () => {
    const it = world();
    assert.equal(await teal("undo web --to-revision=1", it), 0);
    const patch = [{ op: "replace", path: "/spec/template", value: templateOf("first") }];
    assert.deepEqual(it.writes, [[`PATCH ${path}`, patch]]);
  });

  it("names the revisions there are when it finds none of that number", async () => {
    const it = world();
    assert.equal(await teal("undo web --to-revision 9", it), 1);
    assert.equal(it.error, "Error: unable to find specified revision 9 in history; available: 3, 2, 1\n");
  });

  it("does nothing when the Rollout has that version already", async () => {
    const it = world();
    assert.equal(await teal("undo web --to-revision 3", it), 0);
    assert.equal(it.out, "skipped rollback (current template already matches revision 3)\n");
    assert.deepEqual(it.writes, []);
  });
});

describe("teal list rollouts", () => {
  it("prints a line for each", async () => {
    const world = new FakeWorld({
      "GET /apis/argoproj.io/v1alpha1/rollouts": { metadata: {}, items: [healthy, updating] },
    });
    assert.equal(await teal("list rollouts -A", world), 0);
    assert.equal(
      world.out,
      `NAMESPACE  NAME  STRATEGY   STATUS       STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE
default    web   BlueGreen  Healthy      -     -           0/0    2        0           0
default    web   BlueGreen  Progressing  -     -           0/0    2        0           0
`,
    );
  });
});

describe("the command line", () => {
  const cases: readonly [line: string, error: string][] = [
    ["promte web", 'unknown command "promte", did you mean "promote"?; "teal help" lists all'],
    ["set imge web a=b", 'unknown command "set imge", did you mean "set image"?; "teal help" lists all'],
    ["retry", '"retry" alone is no command: teal retry rollout'],
    ["promote web --ful", "unknown flag: --ful, did you mean --full?"],
    ["promote", "usage: teal promote NAME [--full]"],
    ["promote a b", "usage: teal promote NAME [--full]"],
    ["undo web --to-revision", "flag needs a value: --to-revision N"],
    ["undo web --to-revision=two", '--to-revision: must be a whole number, not "two"'],
    ["promote web --full=maybe", "--full=maybe: must be true or false"],
  ];
  for (const [line, error] of cases) {
    it(`answers "teal ${line}" in one line and exit code 2`, async () => {
      const world = worldOf(paused);
      assert.equal(await teal(line, world), 2);
      assert.equal(world.error, `Error: ${error}\n`);
      assert.deepEqual(world.requests, []);
    });
  }

  it("takes global flags before and after the command", async () => {
    for (const line of ["-n shop pause web", "pause web --namespace=shop", "--namespace shop pause web"]) {
      const world = worldOf(paused);
      await teal(line, world);
      assert.deepEqual(
        world.requests.map((request) => request.path),
        [path.replace("default", "shop")],
      );
    }
  });

  for (const line of ["help", "--help", "help promote", "promote --help", "promote web -h"]) {
    it(`shows help for "teal ${line}" and asks no server`, async () => {
      const world = worldOf(paused);
      assert.equal(await teal(line, world), 0);
      assert.match(world.out, /teal promote NAME \[--full\]/);
      assert.deepEqual(world.requests, []);
    });
  }
});
