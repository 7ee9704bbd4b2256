import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Pod } from "../api/core.ts";
import { resources } from "../api/resources.ts";
import { ManualClock } from "../time/manual-clock.ts";
import { KubernetesClient } from "./client.ts";
import { ApiError } from "./errors.ts";
import { ScriptedTransport } from "./scripted-transport.fixture.ts";
import type { ApiResponse, WatchEvent } from "./transport.ts";
import { type Change, pageSize, WatchCache, type WatchCacheOptions } from "./watch-cache.ts";

function pod(
  name: string,
  version: number,
  more: { uid?: string; labels?: Record<string, string> } = {},
): Pod {
  const { uid = `uid-${name}`, labels = {} } = more;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop", uid, resourceVersion: String(version), labels },
    spec: { containers: [] },
  };
}

function listOf(version: number, items: readonly (object | null)[], next?: string): ApiResponse {
  const metadata = { resourceVersion: String(version), ...(next === undefined ? {} : { continue: next }) };
  return { code: 200, body: { kind: "PodList", apiVersion: "v1", metadata, items } };
}

function failure(code: number, reason: string, causes: readonly { reason: string }[] = []): ApiResponse {
  const body = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    code,
    reason,
    message: reason,
  };
  return { code, body: { ...body, details: { causes } } };
}

function errorEvent(code: number, reason: string): WatchEvent {
  return { type: "ERROR", object: failure(code, reason).body } as WatchEvent;
}

const bookmark = (version: number): WatchEvent => ({
  type: "BOOKMARK",
  object: { apiVersion: "v1", kind: "Pod", metadata: { name: "", resourceVersion: String(version) } },
});

function open(options: Partial<WatchCacheOptions<Pod>> = {}, clock = new ManualClock()) {
  const transport = new ScriptedTransport();
  const changes: string[] = [];
  const problems: string[] = [];
  const cache = new WatchCache<Pod>({
    client: new KubernetesClient(transport),
    clock,
    resource: resources.pods,
    onProblem: (text) => problems.push(text),
    ...options,
  });
  cache.subscribe(({ type, object }: Change<Pod>) => {
    changes.push(`${type} ${object.metadata.name}@${object.metadata.resourceVersion}`);
  });
  const lists = (): number => transport.requests.length;
  return { transport, clock, cache, changes, problems, lists };
}

async function opened(items: readonly Pod[], version = 10, options: Partial<WatchCacheOptions<Pod>> = {}) {
  const scene = open(options);
  scene.transport.answer = () => listOf(version, items);
  scene.cache.start();
  await scene.clock.settle();
  scene.changes.length = 0;
  return scene;
}

const names = (cache: WatchCache<Pod>): string[] => cache.list().map(({ metadata }) => metadata.name);

describe("WatchCache", () => {
  test("lists page by page, then watches from the list's version", async () => {
    const { transport, cache, clock } = open({ namespace: "shop", labelSelector: "app" });
    transport.answer = ({ query }) =>
      query?.["continue"] === "more" ? listOf(12, [pod("b", 9)]) : listOf(12, [pod("a", 8)], "more");
    let isSynced = false;
    void cache.whenSynced().then(() => {
      isSynced = true;
    });
    assert.equal(cache.synced, false);
    cache.start();
    await clock.settle();
    assert.deepEqual(names(cache), ["a", "b"]);
    assert.equal(cache.synced && isSynced, true);
    assert.deepEqual(
      transport.requests.map(({ path, query }) => [path, query]),
      [
        ["/api/v1/namespaces/shop/pods", { labelSelector: "app", limit: String(pageSize) }],
        ["/api/v1/namespaces/shop/pods", { labelSelector: "app", limit: String(pageSize), continue: "more" }],
      ],
    );
    const { query } = transport.latest.request;
    assert.equal(query?.["resourceVersion"], "12");
    assert.equal(query?.["allowWatchBookmarks"], "true");
    assert.equal(query?.["watch"], "true");
    cache.stop();
  });

  test("tells changes at once, in order, with what they replace", async () => {
    const { transport, cache, changes } = await opened([pod("a", 5)]);
    const previous: (string | undefined)[] = [];
    cache.subscribe((change) => {
      previous.push(change.previous?.metadata.resourceVersion);
      const held = cache.get("shop", change.object.metadata.name);
      assert.equal(held === undefined, change.type === "deleted");
    });
    transport.latest.send(
      { type: "ADDED", object: pod("b", 11) },
      { type: "MODIFIED", object: pod("a", 12) },
      { type: "DELETED", object: pod("b", 13) },
    );
    assert.deepEqual(changes, ["added b@11", "updated a@12", "deleted b@11"]);
    assert.deepEqual(previous, [undefined, "5", undefined]);
    cache.stop();
  });

  test("goes on from the last bookmark or event after a broken connection, without a new list or a problem", async () => {
    const { transport, cache, clock, lists, problems } = await opened([pod("a", 5)]);
    transport.latest.send({ type: "ADDED", object: pod("b", 11) }, bookmark(40));
    transport.latest.end(new ApiError("unreachable", "reset"));
    await clock.advance(0.2);
    assert.equal(transport.watches.length, 2);
    assert.equal(transport.latest.request.query?.["resourceVersion"], "40");
    assert.equal(lists(), 1);
    assert.deepEqual(problems, []);
    assert.deepEqual(names(cache), ["a", "b"]);
    cache.stop();
  });

  test("opens the next watch at once when the server has ended one in good order", async () => {
    const { transport, cache, clock } = await opened([]);
    await clock.advance(2);
    transport.latest.end();
    await clock.settle();
    assert.equal(transport.watches.length, 2);
    cache.stop();
  });

  for (const [how, first] of [
    ["as soon as it is opened", () => []],
    ["after a bookmark", (count: number) => [bookmark(11 + count)]],
    ["after an event", (count: number) => [{ type: "ADDED", object: pod(`p${count}`, 11 + count) }]],
    ["with an ERROR event", () => [errorEvent(410, "Expired")]],
    ["with an ERROR event of its own making", () => [{ type: "ERROR", object: {} }]],
    ["after an object without a name", () => [{ type: "ADDED", object: { metadata: {} } }]],
  ] as readonly (readonly [string, (count: number) => readonly WatchEvent[]])[]) {
    test(`does not spin when a server ends every watch ${how}, and says so`, async () => {
      const { transport, cache, clock, problems, lists } = await opened([]);
      for (let step = 0; step < 600; step += 1) {
        transport.latest.send(...first(step));
        transport.latest.end();
        await clock.advance(0.1);
      }
      // News are waited for no longer than a second or two, however often they are cut off.
      const most = how === "after an event" ? 45 : 15;
      assert.ok(transport.watches.length < most, `${transport.watches.length} watches in a minute`);
      assert.ok(lists() < 15, `${lists()} lists in a minute`);
      assert.equal(problems.length, 1, problems.join("\n"));
      cache.stop();
    });
  }

  for (const odd of ["", "abc"])
    test(`never asks from a version that is none: ${JSON.stringify(odd)}`, async () => {
      const { transport, cache, clock } = await opened([]);
      const metadata = { name: "", resourceVersion: odd };
      transport.latest.send({ type: "BOOKMARK", object: { apiVersion: "v1", kind: "Pod", metadata } });
      transport.latest.end();
      await clock.advance(1);
      assert.equal(transport.latest.request.query?.["resourceVersion"], "10");
      cache.stop();
    });

  test("takes the chance out of the wait that others have as well", async () => {
    let chance = 0;
    const clock = new ManualClock(undefined, () => chance);
    const { transport, cache } = open({}, clock);
    transport.answer = () => failure(500, "InternalError");
    cache.start();
    await clock.settle();
    await clock.advance(0.19);
    assert.equal(transport.requests.length, 1);
    chance = 0.5;
    await clock.advance(0.01);
    // The second wait is 0.4 s at most, now 0.3 s.
    await clock.advance(0.29);
    assert.equal(transport.requests.length, 2);
    await clock.advance(0.01);
    assert.equal(transport.requests.length, 3);
    cache.stop();
  });

  for (const [how, refuse] of [
    [
      "the list",
      (t: ScriptedTransport) => {
        t.answer = () => ({ ...failure(429, "TooManyRequests"), retryAfterSeconds: 20 });
        t.latest.send(errorEvent(410, "Expired"));
      },
    ],
    ["the watch", (t: ScriptedTransport) => t.latest.end(ApiError.fromResponse(503, {}, 20))],
    [
      "an ERROR event",
      (t: ScriptedTransport) => {
        const { body } = failure(429, "TooManyRequests");
        t.latest.send({
          type: "ERROR",
          object: { ...(body as object), details: { retryAfterSeconds: 20 } } as never,
        });
      },
    ],
  ] as readonly (readonly [string, (transport: ScriptedTransport) => void])[]) {
    test(`leaves a server alone for as long as ${how} asks for`, async () => {
      const { transport, cache, clock } = await opened([]);
      await clock.advance(10);
      refuse(transport);
      await clock.settle();
      const asked = transport.requests.length + transport.watches.length;
      await clock.advance(20);
      assert.equal(transport.requests.length + transport.watches.length, asked);
      await clock.advance(0.4);
      assert.equal(transport.requests.length + transport.watches.length, asked + 1);
      cache.stop();
    });
  }

  test("gives up on a list whose pages go round in a circle", async () => {
    const { transport, cache, clock, problems } = open();
    transport.answer = () => listOf(12, [pod("a", 1)], "more");
    cache.start();
    await clock.settle();
    assert.match(problems.join(), /the same page of the list again and again/);
    assert.equal(transport.requests.length, 2);
    cache.stop();
  });

  for (const [what, body] of [
    ["a web page", "<html>"],
    ["nothing", ""],
    ["a single object", pod("a", 1)],
    ["no items", { metadata: { resourceVersion: "1" } }],
    ["an item that is no object", { metadata: { resourceVersion: "1" }, items: [null] }],
    ["an item without a name", { metadata: { resourceVersion: "1" }, items: [{ metadata: {} }] }],
  ] as const) {
    test(`does not take for a list: ${what}`, async () => {
      const { transport, cache, clock, problems } = await opened([pod("a", 5)]);
      transport.answer = () => ({ code: 200, body });
      transport.latest.send(errorEvent(410, "Expired"));
      await clock.settle();
      assert.match(
        problems.join(),
        /^cannot watch pods: .*( is no list; is a proxy| without a name, and none with one; is a proxy)/,
      );
      assert.deepEqual(names(cache), ["a"]);
      transport.answer = () => listOf(20, []);
      await clock.advance(1);
      assert.deepEqual(names(cache), []);
      cache.stop();
    });
  }

  test("leaves out what has no name in a list, says so once, and sees nothing as deleted because of it", async () => {
    const { transport, cache, clock, changes, problems } = await opened([
      pod("a", 5),
      pod("b", 6),
      pod("c", 7),
    ]);
    const odd = [
      null,
      { metadata: {} },
      { metadata: { name: 5 } },
      { metadata: { name: "b", namespace: 5 } },
    ];
    const alone: string[] = [];
    transport.answer = ({ path, query = {} }) => {
      const { fieldSelector } = query;
      if (fieldSelector === undefined) return listOf(20, [pod("a", 15), ...odd]);
      alone.push(`${path} ${fieldSelector}`);
      // What is asked for by itself has no name either, or is gone.
      return listOf(21, fieldSelector === "metadata.name=b" ? [null] : []);
    };
    for (let count = 0; count < 2; count += 1) {
      transport.latest.send(errorEvent(410, "Expired"));
      await clock.advance(40);
    }
    assert.deepEqual(changes, ["deleted c@7", "updated a@15"]);
    assert.deepEqual(names(cache).sort(), ["a", "b"]);
    const namespace = "/api/v1/namespaces/shop/pods";
    assert.deepEqual(alone, [
      `${namespace} metadata.name=b`,
      `${namespace} metadata.name=c`,
      `${namespace} metadata.name=b`,
    ]);
    assert.deepEqual(problems, ["a list of pods has an item without a name, which is left out: null"]);
    assert.equal(transport.latest.request.query?.["resourceVersion"], "20");
    cache.stop();
  });

  test("does not look for what a list names, however little of it is understood", async () => {
    const trim = (object: Pod): Pod => {
      if (object.metadata.resourceVersion === "15") throw new Error("not understood");
      return object;
    };
    const { transport, cache, clock, lists } = await opened([pod("a", 5)], 10, { trim });
    transport.answer = () => listOf(20, [pod("a", 15), null]);
    transport.latest.send(errorEvent(410, "Expired"));
    await clock.advance(1);
    assert.deepEqual([names(cache), lists()], [["a"], 2]);
    cache.stop();
  });

  for (const list of [{ items: [] }, { metadata: null, items: [] }, { metadata: {}, items: [] }]) {
    test(`cannot watch from a list without a version: ${JSON.stringify(list)}`, async () => {
      const { transport, cache, clock, problems } = open();
      transport.answer = () => ({ code: 200, body: list });
      cache.start();
      await clock.settle();
      assert.match(problems.join(), /list has no version/);
      cache.stop();
    });
  }

  test("takes null for an empty list", async () => {
    const { transport, cache, clock } = open();
    transport.answer = () => ({ code: 200, body: { metadata: { resourceVersion: "1" }, items: null } });
    cache.start();
    await clock.settle();
    assert.equal(cache.synced, true);
    cache.stop();
  });

  test("keeps what it understood last of an object that it does not understand, and says so once", async () => {
    const trim = (object: Pod): Pod => {
      if (object.spec.containers.length < 0) throw new Error("impossible");
      return object;
    };
    const indexes = {
      label: ({ metadata }: Pod) => Object.keys(metadata.labels ?? {}).map((key) => key.trim()),
    };
    const { transport, cache, problems, changes } = await opened([pod("a", 5)], 10, { trim, indexes });
    const odd = { ...pod("a", 11), spec: null } as unknown as Pod;
    transport.latest.send(
      { type: "MODIFIED", object: odd },
      { type: "MODIFIED", object: odd },
      { type: "ADDED", object: { ...pod("b", 12), spec: "" } as unknown as Pod },
      { type: "ADDED", object: pod("c", 13) },
    );
    assert.deepEqual(changes, ["added c@13"]);
    assert.equal(cache.get("shop", "a")?.metadata.resourceVersion, "5");
    assert.deepEqual(
      problems.map((text) => text.split(":")[0]),
      ["cannot understand shop/a of pods", "cannot understand shop/b of pods"],
    );
    cache.stop();
  });

  test("does not let one that listens and throws harm others, and tells of it", async () => {
    const { transport, cache, clock, problems } = await opened([pod("a", 5)]);
    const late: string[] = [];
    cache.subscribe(() => {
      throw new Error("a bug");
    });
    cache.subscribe(({ object }) => late.push(object.metadata.name));
    transport.latest.send({ type: "ADDED", object: pod("b", 11) }, { type: "ADDED", object: pod("c", 12) });
    assert.deepEqual(late, ["b", "c"]);
    assert.equal(transport.latest.isCancelled, false);
    assert.match(problems[0] ?? "", /^internal error after shop\/b of pods was added: Error: a bug\n {4}at /);
    await clock.advance(10);
    assert.equal(problems.length, 2, "a bug is not over when the watch works");
    cache.stop();
  });

  test("says why its content must not be relied on: not read yet, or refused", async () => {
    let told = 0;
    const { transport, cache, clock } = open({ onKnowledge: () => (told += 1) });
    transport.answer = () => failure(403, "no rights");
    assert.match(cache.unknownBecause ?? "", /pods have not been read yet/);
    cache.start();
    await clock.settle();
    assert.match(cache.unknownBecause ?? "", /cannot watch pods: no rights/);
    assert.equal(told, 1);
    transport.answer = () => listOf(10, []);
    await clock.advance(5);
    assert.deepEqual([cache.unknownBecause, told], [undefined, 2]);
    transport.latest.end(new ApiError("unreachable", "away"));
    await clock.advance(5);
    assert.equal(cache.unknownBecause, undefined, "a server that is away takes nothing back");
    transport.latest.end(ApiError.fromResponse(403, "taken away"));
    await clock.settle();
    const { unknownBecause: refused = "" } = cache;
    assert.match(refused, /taken away/);
    assert.equal(told, 3);
    cache.stop();
  });

  for (const [how, expire] of [
    ["an ERROR event", (t: ScriptedTransport) => t.latest.send(errorEvent(410, "Expired"))],
    ["a refused watch", (t: ScriptedTransport) => t.latest.end(ApiError.fromResponse(410, {}))],
    [
      "a version from the future",
      (t: ScriptedTransport) => {
        const { code, body } = failure(504, "Timeout", [{ reason: "ResourceVersionTooLarge" }]);
        t.latest.end(ApiError.fromResponse(code, body));
      },
    ],
  ] as const) {
    test(`lists anew after ${how} and tells only differences`, async () => {
      const { transport, cache, clock, changes, problems } = await opened([
        pod("same", 5),
        pod("changed", 6),
        pod("gone", 7),
      ]);
      const kept = cache.get("shop", "same");
      transport.answer = () => listOf(90, [pod("same", 5), pod("changed", 60), pod("new", 61)]);
      expire(transport);
      assert.equal(cache.list().length, 3, "content stays until the new list is there");
      await clock.settle();
      assert.deepEqual(changes, ["deleted gone@7", "updated changed@60", "added new@61"]);
      assert.equal(cache.get("shop", "same"), kept);
      assert.equal(transport.latest.request.query?.["resourceVersion"], "90");
      assert.deepEqual(problems, []);
      cache.stop();
    });
  }

  test("believes a list even where versions have gone back, as after a restored backup", async () => {
    const { transport, cache, clock, changes } = await opened([pod("a", 500), pod("b", 499)], 500);
    transport.latest.send({ type: "DELETED", object: pod("b", 501) });
    transport.answer = () => listOf(20, [pod("a", 15)]);
    transport.latest.send(errorEvent(410, "Expired"));
    await clock.settle();
    transport.latest.send(
      { type: "MODIFIED", object: pod("a", 21) },
      { type: "ADDED", object: pod("b", 22) },
    );
    assert.deepEqual(changes, ["deleted b@499", "updated a@15", "updated a@21", "added b@22"]);
    cache.stop();
  });

  test("tells an object that was replaced unseen as deleted and added", async () => {
    const { transport, cache, changes } = await opened([pod("a", 5, { uid: "first" })]);
    transport.latest.send({ type: "ADDED", object: pod("a", 20, { uid: "second" }) });
    assert.deepEqual(changes, ["deleted a@5", "added a@20"]);
    cache.stop();
  });

  test("ignores events that come again or late, also about objects that are gone", async () => {
    const { transport, cache, changes } = await opened([pod("a", 5)]);
    transport.latest.send(
      { type: "MODIFIED", object: pod("a", 20) },
      { type: "MODIFIED", object: pod("a", 20) },
      { type: "MODIFIED", object: pod("a", 12) },
      { type: "DELETED", object: pod("a", 11) },
      { type: "DELETED", object: pod("a", 30) },
      { type: "MODIFIED", object: pod("a", 20) },
      { type: "DELETED", object: pod("a", 30) },
    );
    assert.deepEqual(changes, ["updated a@20", "deleted a@20"]);
    cache.stop();
  });

  test("takes a late event about one object although another one is further", async () => {
    const { transport, cache, changes } = await opened([pod("a", 5), pod("b", 5)]);
    transport.latest.send(
      { type: "MODIFIED", object: pod("b", 20) },
      { type: "MODIFIED", object: pod("a", 19) },
    );
    assert.deepEqual(changes, ["updated b@20", "updated a@19"]);
    cache.stop();
  });

  test("does not bring back by an old event what was gone when everything was listed", async () => {
    const { transport, cache, clock, changes } = await opened([pod("a", 5), pod("b", 6)]);
    transport.latest.send({ type: "DELETED", object: pod("b", 12) });
    transport.answer = () => listOf(20, [pod("a", 5)]);
    transport.latest.send(errorEvent(410, "Expired"));
    await clock.settle();
    changes.length = 0;
    transport.latest.send(
      { type: "ADDED", object: pod("b", 6) },
      { type: "MODIFIED", object: pod("b", 11) },
      { type: "ADDED", object: pod("c", 19) },
      { type: "ADDED", object: pod("b", 21) },
    );
    assert.deepEqual(changes, ["added b@21"]);
    cache.stop();
  });

  test("compares versions as numbers, not as texts", async () => {
    const { transport, cache, changes } = await opened([pod("a", 9)]);
    transport.latest.send({ type: "MODIFIED", object: pod("a", 10) });
    assert.deepEqual(changes, ["updated a@10"]);
    cache.stop();
  });

  test("keeps its content while the server is away, tells the problem once and its end once", async () => {
    const { transport, cache, clock, problems } = await opened([pod("a", 5)]);
    const away = new ApiError("unreachable", "nothing listens there");
    transport.refuseWatch = away;
    transport.latest.end(away);
    await clock.advance(600);
    assert.deepEqual(problems, ["cannot watch pods: nothing listens there"]);
    assert.deepEqual(names(cache), ["a"]);
    transport.refuseWatch = undefined;
    await clock.advance(30);
    assert.deepEqual(problems, ["cannot watch pods: nothing listens there", "watching pods again"]);
    transport.latest.end(away);
    await clock.advance(1);
    assert.equal(problems.length, 2, "a short break is no problem");
    cache.stop();
  });

  test("waits 0.2 s after the first failure, twice as long after each further one, 30 s at most", async () => {
    const { transport, cache, clock } = open();
    const at: number[] = [];
    const start = clock.now();
    transport.answer = () => {
      at.push((clock.now() - start) / 1000);
      throw new ApiError("unreachable", "away");
    };
    cache.start();
    await clock.advance(120);
    assert.deepEqual(
      at.map((seconds) => Math.round(seconds * 10) / 10),
      [0, 0.2, 0.6, 1.4, 3, 6.2, 12.6, 25.4, 51, 81, 111],
    );
    cache.stop();
    assert.equal(clock.pending, 0);
  });

  test("starts the waits from the beginning once a watch has worked", async () => {
    const { transport, cache, clock } = await opened([]);
    transport.refuseWatch = new ApiError("unreachable", "away");
    transport.latest.end(transport.refuseWatch);
    await clock.advance(100);
    transport.refuseWatch = undefined;
    await clock.advance(60);
    const before = transport.watches.length;
    transport.latest.send(bookmark(50));
    transport.latest.end(new ApiError("unreachable", "reset"));
    await clock.advance(0.2);
    assert.equal(transport.watches.length, before + 1);
    cache.stop();
  });

  test("says that a kind is missing and finds it when it is installed later", async () => {
    const { transport, cache, clock, problems } = open({ resource: resources.rollouts });
    transport.answer = () => ({ code: 404, body: "404 page not found" });
    cache.start();
    await clock.advance(60);
    assert.equal(cache.synced, false);
    assert.match(
      problems.join(),
      /^cannot watch rollouts.argoproj.io: .*CustomResourceDefinition installed\?$/,
    );
    assert.ok(transport.requests.length < 10);
    transport.answer = () => listOf(3, []);
    await clock.advance(30);
    assert.equal(cache.synced, true);
    cache.stop();
  });

  test("names the missing right when it is forbidden", async () => {
    const { transport, cache, clock, problems } = open();
    transport.answer = () => failure(403, "pods is forbidden");
    cache.start();
    await clock.settle();
    assert.deepEqual(problems, [
      "cannot watch pods: pods is forbidden; these credentials need the verbs list and watch",
    ]);
    cache.stop();
  });

  test("reads everything in one piece after pages have expired under it", async () => {
    const { transport, cache, clock } = open();
    transport.answer = ({ query }) => {
      if (query?.["limit"] === undefined) return listOf(12, [pod("a", 1), pod("b", 2)]);
      return query["continue"] === undefined ? listOf(9, [pod("a", 1)], "more") : failure(410, "Expired");
    };
    cache.start();
    await clock.settle();
    assert.deepEqual(names(cache), ["a", "b"]);
    cache.stop();
  });

  test("keeps trimmed objects, never managedFields, and fills in the kind that lists leave out", async () => {
    const { transport, cache, clock } = open({ trim: (object) => ({ ...object, spec: { containers: [] } }) });
    const { kind, apiVersion, ...bare } = pod("a", 1);
    const metadata = { ...bare.metadata, managedFields: [{ manager: "kubectl" }] };
    const spec = { containers: [{ name: "web" }] };
    transport.answer = () => listOf(2, [{ ...bare, metadata, spec }]);
    cache.start();
    await clock.settle();
    transport.latest.send({
      type: "ADDED",
      object: { ...pod("b", 3), metadata: { ...metadata, name: "b", resourceVersion: "3" }, spec } as Pod,
    });
    for (const held of cache.list()) {
      assert.deepEqual([held.kind, held.apiVersion], [kind, apiVersion]);
      assert.equal("managedFields" in held.metadata, false);
      assert.deepEqual(held.spec.containers, []);
    }
    assert.equal(cache.list().length, 2);
    cache.stop();
  });

  test("finds objects by index, also after they have moved to another key", async () => {
    const indexes = { color: ({ metadata }: Pod) => Object.keys(metadata.labels ?? {}) };
    const { transport, cache } = await opened([pod("a", 1, { labels: { blue: "" } })], 10, { indexes });
    const byColor = (color: string): string[] =>
      cache.by("color", color).map(({ metadata }) => metadata.name);
    assert.deepEqual(byColor("blue"), ["a"]);
    transport.latest.send({ type: "MODIFIED", object: pod("a", 11, { labels: { green: "", red: "" } }) });
    assert.deepEqual([byColor("blue"), byColor("green"), byColor("red")], [[], ["a"], ["a"]]);
    transport.latest.send({ type: "DELETED", object: pod("a", 12) });
    assert.deepEqual([byColor("green"), byColor("red")], [[], []]);
    assert.throws(() => cache.by("colour", "blue"), /no index is named colour/);
    cache.stop();
  });

  test("lists the objects of one namespace only when asked for it", async () => {
    const other = { ...pod("b", 2), metadata: { ...pod("b", 2).metadata, namespace: "other" } };
    const { cache } = await opened([pod("a", 1), other]);
    assert.deepEqual(cache.list("other"), [cache.get("other", "b")]);
    assert.equal(cache.list().length, 2);
    assert.deepEqual(cache.list("nowhere"), []);
    cache.stop();
  });

  test("takes nothing in after it has been stopped", async () => {
    const { transport, cache, clock, changes } = await opened([pod("a", 5)]);
    const watch = transport.latest;
    cache.stop();
    assert.equal(watch.isCancelled, true);
    await clock.advance(100);
    assert.deepEqual([changes, transport.watches.length, clock.pending], [[], 1, 0]);
    assert.deepEqual(names(cache), ["a"]);
  });
});
