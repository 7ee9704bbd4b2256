import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ReplicaSet } from "../../api/core.ts";
import type { Rollout } from "../../api/rollout.ts";
import { FakeWorld } from "../fake-world.fixture.ts";
import { run } from "../run.ts";

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
const gated: Rollout = {
  ...updating,
  spec: { ...updating.spec, strategy: { blueGreen: { activeService: "a", autoPromotionEnabled: false } } },
};
const healthy = withStatus({
  phase: "Healthy",
  message: "",
  controllerPause: false,
  pauseConditions: [],
  stableRS: "new",
});

const aborted = withStatus({
  abort: true,
  phase: "Degraded",
  message: "RolloutAborted: by hand",
  pauseConditions: [],
  controllerPause: false,
});

function replicaSet(hash: string, revision: number, replicas: number, availableReplicas: number): ReplicaSet {
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `web-${hash}`,
      labels: { "rollouts-pod-template-hash": hash },
      annotations: { "rollout.argoproj.io/revision": String(revision) },
      ownerReferences: [{ apiVersion: "argoproj.io/v1alpha1", kind: "Rollout", name: "web", uid: "r" }],
    },
    spec: {
      replicas,
      selector: {},
      template: {
        metadata: { labels: { app: "web", "rollouts-pod-template-hash": hash } },
        spec: { containers: [{ name: "web", image: `web:${hash}` }] },
      },
    },
    status: { replicas, availableReplicas },
  };
}

/** The server's answer that has these ReplicaSets. */
const having = (...items: readonly ReplicaSet[]) => ({
  "GET /apis/apps/v1/namespaces/default/replicasets": { metadata: {}, items },
});
const bothUp = having(replicaSet("new", 2, 2, 2), replicaSet("old", 1, 2, 2));

/** A server that has one Rollout, whatever is done to it. */
function worldOf(rollout: Rollout, more: ConstructorParameters<typeof FakeWorld>[0] = {}): FakeWorld {
  const methods = ["GET", "PATCH", "PUT"].map((method) => [`${method} ${path}`, rollout]);
  const answers = { ...Object.fromEntries(methods), [`PATCH ${path}/status`]: rollout };
  return new FakeWorld({ ...bothUp, ...answers, ...more });
}

const teal = (line: string, world: FakeWorld): Promise<number> => run(line.split(" "), world);

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
    const world = new FakeWorld({ ...bothUp, [`GET ${path}`]: paused, [`PATCH ${path}`]: paused });
    assert.equal(await teal("promote web", world), 0);
    assert.deepEqual(world.writes.at(-1), [`PATCH ${path}`, { status: { pauseConditions: null } }]);
  });

  const refusals: readonly [when: string, line: string, rollout: Rollout, message: string][] = [
    [
      "there is no new version",
      "promote web",
      healthy,
      "rollout 'web' cannot be promoted: it is Healthy and nothing is being updated. " +
        'Give it a new version, for example with "teal set image web CONTAINER=IMAGE"',
    ],
    [
      "there is no new version, also with --full",
      "promote --full web",
      healthy,
      "rollout 'web' cannot be promoted: it is Healthy and nothing is being updated. " +
        'Give it a new version, for example with "teal set image web CONTAINER=IMAGE"',
    ],
    [
      "the preview is not ready",
      "promote web",
      gated,
      "rollout 'web' cannot be promoted: it is Progressing - more replicas need to be updated. " +
        'Wait until it is Paused ("teal status web"), or skip all pauses with "teal promote web --full"',
    ],
    [
      "the update has been aborted",
      "promote web",
      aborted,
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

  const unavailable: readonly [when: string, items: readonly ReplicaSet[], count: string][] = [
    ["a pod of the preview has crashed", [replicaSet("new", 2, 2, 1), replicaSet("old", 1, 2, 2)], "1 of 2"],
    ["a smaller preview is not up", [replicaSet("new", 2, 1, 0), replicaSet("old", 1, 2, 2)], "0 of 1"],
    ["the preview has no pods at all", [replicaSet("old", 1, 2, 2)], "0 of 2"],
  ];
  for (const [when, items, count] of unavailable) {
    it(`refuses when ${when} since the pause began, but not with --full`, async () => {
      const world = worldOf(paused, having(...items));
      assert.equal(await teal("promote web", world), 1);
      assert.equal(
        world.error,
        `Error: rollout 'web' cannot be promoted: ${count} pods of the new version are available. ` +
          '"teal get rollout web" shows why; wait until they are, or have it go on by itself then with "teal promote web --full"\n',
      );
      assert.deepEqual(world.writes, []);
      assert.equal(await teal("promote web --full", world), 0);
    });
  }

  it("takes a preview that is smaller on purpose", async () => {
    const world = worldOf(paused, having(replicaSet("new", 2, 1, 1), replicaSet("old", 1, 2, 2)));
    assert.equal(await teal("promote web", world), 0);
  });

  it("says which Rollout is not there", async () => {
    const world = new FakeWorld();
    assert.equal(await teal("promote web", world), 1);
    assert.equal(world.error, 'Error: rollouts "web" not found\n');
  });
});

describe("teal abort, retry and pause", () => {
  const retried = [`PATCH ${path}/status`, { status: { abort: false } }] as const;
  const cases: readonly [line: string, rollout: Rollout, out: string, write: readonly [string, unknown]][] = [
    ["abort web", updating, "rollout 'web' aborted\n", [`PATCH ${path}/status`, { status: { abort: true } }]],
    ["retry rollout web", aborted, "rollout 'web' retried\n", retried],
    ["retry ro web", aborted, "rollout 'web' retried\n", retried],
    ["pause web", updating, "rollout 'web' paused\n", [`PATCH ${path}`, { spec: { paused: true } }]],
  ];
  for (const [line, rollout, out, write] of cases) {
    it(`teal ${line} writes what the plugin of Argo Rollouts writes`, async () => {
      const world = worldOf(rollout);
      assert.equal(await teal(line, world), 0);
      assert.equal(world.out, out);
      assert.deepEqual(world.writes, [write]);
    });
  }
});

describe("teal abort and retry, where there is nothing to do", () => {
  const refusals: readonly [line: string, rollout: Rollout, message: string][] = [
    [
      "abort web",
      healthy,
      `rollout 'web' has no update to abort: it is Healthy. To go back to an earlier version use "teal undo web"`,
    ],
    [
      "retry rollout web",
      healthy,
      "rollout 'web' cannot be retried: it has not been aborted, it is Healthy. " +
        'Give it a new version, for example with "teal set image web CONTAINER=IMAGE"',
    ],
    [
      "retry rollout web",
      updating,
      "rollout 'web' cannot be retried: it has not been aborted, it is Progressing - more replicas need to be updated. " +
        '"teal why web" says what it waits for',
    ],
  ];
  for (const [line, rollout, message] of refusals) {
    it(`teal ${line} refuses a Rollout that is ${rollout.status?.phase}`, async () => {
      const world = worldOf(rollout);
      assert.equal(await teal(line, world), 1);
      assert.equal(world.error, `Error: ${message}\n`);
      assert.deepEqual(world.writes, []);
    });
  }

  it("teal abort stops an update that the controller has not seen yet", async () => {
    const world = worldOf({ ...healthy, metadata: { ...healthy.metadata, generation: 3 } });
    assert.equal(await teal("abort web", world), 0);
    assert.equal(world.out, "rollout 'web' aborted\n");
  });
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
    assert.equal(world.error, 'Error: unable to find container named "wbe". There is web, log\n');
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
  const history = having(
    replicaSet("first", 1, 0, 0),
    replicaSet("new", 3, 2, 2),
    replicaSet("old", 2, 2, 2),
  );
  const world = (): FakeWorld => worldOf(paused, history);
  const templateOf = (hash: string) => ({
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "web", image: `web:${hash}` }] },
  });

  it("puts the last but newest template in place, without its hash", async () => {
    const it = world();
    assert.equal(await teal("undo web", it), 0);
    assert.equal(it.out, "rollout 'web' undo to revision 2 (web:old)\n");
    const patch = [{ op: "replace", path: "/spec/template", value: templateOf("old") }];
    assert.deepEqual(it.writes, [[`PATCH ${path}`, patch]]);
  });

  it("leaves out what Argo's controller has put into the ReplicaSet's template", async () => {
    const old = replicaSet("old", 2, 2, 2);
    const term = {
      labelSelector: {
        matchExpressions: [{ key: "rollouts-pod-template-hash", operator: "In", values: ["first"] }],
      },
      namespaces: ["default"],
      topologyKey: "kubernetes.io/hostname",
    };
    const spec = {
      ...old.spec.template.spec,
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } },
    };
    const labels = { ...old.spec.template.metadata?.labels, role: "preview" };
    const note = { "rollout.argoproj.io/ephemeral-metadata": '{"labels":{"role":"preview"}}' };
    const it = worldOf(
      paused,
      having(replicaSet("new", 3, 2, 2), {
        ...old,
        metadata: {
          ...old.metadata,
          namespace: "default",
          annotations: { ...old.metadata.annotations, ...note },
        },
        spec: { ...old.spec, template: { metadata: { labels }, spec } },
      }),
    );
    assert.equal(await teal("undo web", it), 0);
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
    assert.equal(
      it.error,
      'Error: unable to find specified revision 9 in history; available: 3, 2, 1. "teal get rollout web" shows what each of them is\n',
    );
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
    ["retry web", 'unknown command "retry web", did you mean "retry rollout web"?; "teal help" lists all'],
    ["promote web --ful", "unknown flag: --ful, did you mean --full?"],
    ["promote", "usage: teal promote NAME [--full]"],
    ["promote a b", "usage: teal promote NAME [--full]"],
    ["undo web --to-revision", "flag needs a value: --to-revision N"],
    ["undo web --to-revision=two", '--to-revision: must be a whole number, not "two"'],
    ["promote web --full=maybe", '--full: must be true or false, not "maybe"'],
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
