import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ApiError } from "../../kubernetes/errors.ts";
import { configMaps, startApi } from "./api-server.fixture.ts";

const configMap = (
  name: string,
  labels: Readonly<Record<string, string>> = {},
  data: object = {},
): object => ({
  metadata: { name, labels },
  data,
});

describe("a watch", () => {
  it("without a version starts with all that exists, then tells every change", async () => {
    const { post, patch, delete: remove, watch, clock } = startApi();
    await post(configMaps, configMap("b"));
    await post(configMaps, configMap("a"));
    const watched = watch(configMaps);
    await post(configMaps, configMap("c"));
    await patch(`${configMaps}/a`, { data: { k: "1" } });
    await remove(`${configMaps}/b`);
    await clock.settle();
    assert.deepEqual(watched.told(), ["ADDED a", "ADDED b", "ADDED c", "MODIFIED a", "DELETED b"]);
    assert.ok(watched.state().opened);
    watched.cancel();
  });

  it("from a version tells what happened since, once, in order", async () => {
    const { post, store, watch, clock, patch } = startApi();
    await post(configMaps, configMap("a"));
    const from = store.version;
    await post(configMaps, configMap("b"));
    await patch(`${configMaps}/a`, { data: { k: "1" } });
    const watched = watch(`${configMaps}?resourceVersion=${from}`);
    await post(configMaps, configMap("c"));
    await clock.settle();
    assert.deepEqual(watched.told(), ["ADDED b", "MODIFIED a", "ADDED c"]);
    watched.cancel();
  });

  it("tells a deletion with its own version, newer than the object's last", async () => {
    const { post, delete: remove, watch, clock, store } = startApi();
    await post(configMaps, configMap("a", {}, { k: "1" }));
    const watched = watch(configMaps);
    await remove(`${configMaps}/a`);
    await clock.settle();
    const last = watched.events.at(-1)?.object as unknown as {
      metadata: { resourceVersion: string };
      data: object;
    };
    assert.equal(last.metadata.resourceVersion, String(store.version));
    assert.deepEqual(last.data, { k: "1" });
    watched.cancel();
  });

  it("with a selector shows objects that come into it and leave it as added and deleted", async () => {
    const { post, patch, delete: remove, watch, clock } = startApi();
    const watched = watch(`${configMaps}?labelSelector=${encodeURIComponent("s=1")}`);
    await post(configMaps, configMap("a", { s: "1" }, { k: "1" }));
    await post(configMaps, configMap("other"));
    await patch(`${configMaps}/a`, { data: { k: "2" } });
    await patch(`${configMaps}/a`, { metadata: { labels: { s: "2" } } });
    await patch(`${configMaps}/a`, { metadata: { labels: { s: "1" } } });
    await remove(`${configMaps}/a`);
    await clock.settle();
    assert.deepEqual(watched.told(), ["ADDED a", "MODIFIED a", "DELETED a", "ADDED a", "DELETED a"]);
    type Shown = { metadata: { labels: object; resourceVersion: string } };
    const [, changed, left] = watched.events.map(({ object }) => object as Shown);
    assert.deepEqual(left?.metadata.labels, { s: "1" }, "as it was when it was last selected");
    assert.notEqual(left?.metadata.resourceVersion, changed?.metadata.resourceVersion);
    watched.cancel();
  });

  it("of one namespace and one name hears of nothing else", async () => {
    const { post, watch, clock } = startApi();
    const watched = watch(`${configMaps}?fieldSelector=metadata.name%3Da`);
    await post("/api/v1/namespaces/kube-system/configmaps", configMap("a"));
    await post(configMaps, configMap("b"));
    await post(configMaps, configMap("a"));
    await clock.settle();
    assert.deepEqual(watched.told(), ["ADDED a"]);
    watched.cancel();
  });

  it("from a version that is too old is told 410 and ended", async () => {
    const { post, watch, clock } = startApi({ historyLength: 1 });
    await post(configMaps, configMap("a"));
    await post(configMaps, configMap("b"));
    const watched = watch(`${configMaps}?resourceVersion=1`);
    await clock.settle();
    const [event] = watched.events;
    assert.equal(event?.type, "ERROR");
    assert.deepEqual(event.object, {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: "too old resource version: 1 (5)",
      reason: "Expired",
      code: 410,
    });
    assert.deepEqual(watched.state(), { opened: true, ended: true, error: undefined });
  });

  it("from a version that this cluster never had is told 410, so that its client lists anew", async () => {
    const { watch, clock } = startApi();
    const watched = watch(`${configMaps}?resourceVersion=99999`);
    await clock.settle();
    assert.deepEqual(watched.told(), ["ERROR"]);
  });

  it("with sendInitialEvents marks the end of what exists", async () => {
    const { post, watch, clock, store } = startApi();
    await post(configMaps, configMap("a"));
    const query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const watched = watch(`${configMaps}?${query}`);
    await post(configMaps, configMap("b"));
    await clock.settle();
    assert.deepEqual(watched.told(), ["ADDED a", "BOOKMARK", "ADDED b"]);
    assert.deepEqual(watched.events[1]?.object.metadata, {
      name: "",
      resourceVersion: String(store.version - 1),
      annotations: { "k8s.io/initial-events-end": "true" },
    });
    watched.cancel();
  });

  it("gets a bookmark every minute when it asks, until it is cancelled", async () => {
    const { watch, clock } = startApi();
    const watched = watch(`${configMaps}?allowWatchBookmarks=true&resourceVersion=0`);
    await clock.advance(59);
    assert.deepEqual(watched.told(), []);
    await clock.advance(61);
    assert.deepEqual(watched.told(), ["BOOKMARK", "BOOKMARK"]);
    watched.cancel();
    assert.equal(clock.pending, 0);
  });

  it("ends after timeoutSeconds in good order", async () => {
    const { watch, clock } = startApi();
    const watched = watch(`${configMaps}?timeoutSeconds=30&allowWatchBookmarks=true`);
    await clock.advance(29);
    assert.equal(watched.state().ended, false);
    await clock.advance(1);
    assert.deepEqual(watched.state(), { opened: true, ended: true, error: undefined });
    assert.equal(clock.pending, 0);
  });

  it("that is refused ends with the refusal and is never opened", async () => {
    const { watch, clock } = startApi();
    const refusals: readonly [url: string, code: number, message: RegExp][] = [
      ["/api/v1/namespaces/default/unicorns", 404, /could not find the requested resource/],
      [`${configMaps}?labelSelector=a%20in%20(b`, 400, /expected: ',' or '\)'/],
      [`${configMaps}?resourceVersion=abc`, 500, /parsing "abc": invalid syntax/],
      [`${configMaps}?sendInitialEvents=true`, 422, /requires setting resourceVersionMatch to NotOlderThan/],
    ];
    for (const [url, code, message] of refusals) {
      const watched = watch(url);
      await clock.settle();
      const { opened, ended, error } = watched.state();
      assert.deepEqual([opened, ended], [false, true]);
      assert.ok(error instanceof ApiError);
      assert.equal(error.code, code);
      assert.match(error.message, message);
    }
  });

  it("hears nothing after it is cancelled, not even what was on its way", async () => {
    const { post, watch, clock } = startApi();
    const watched = watch(configMaps);
    const posted = post(configMaps, configMap("a"));
    watched.cancel();
    await posted;
    await clock.settle();
    assert.deepEqual(watched.told(), []);
    assert.equal(watched.state().ended, false);
  });

  it("shows everybody the same order of changes, also when a watcher writes on hearing of one", async () => {
    const { api, post, watch, clock } = startApi();
    const eager = api.watch(
      { method: "GET", path: configMaps, query: { watch: "true" } },
      {
        event: ({ type, object }) => {
          if (type === "ADDED" && object.metadata.name === "a") void post(configMaps, configMap("b"));
        },
        ended: () => {},
      },
    );
    const watched = watch(configMaps);
    await post(configMaps, configMap("a"));
    await clock.settle();
    assert.deepEqual(watched.told(), ["ADDED a", "ADDED b"]);
    eager();
    watched.cancel();
  });

  it("gives all watchers the very same object", async () => {
    const { post, watch, clock } = startApi();
    const [one, two] = [watch(configMaps), watch("/api/v1/configmaps")];
    await post(configMaps, configMap("a"));
    await clock.settle();
    assert.equal(one.events[0]?.object, two.events[0]?.object);
    one.cancel();
    two.cancel();
  });
});

describe("a watcher that is slow", () => {
  /** Takes one event, and no more until it is told to. */
  function slowWatch({ api }: ReturnType<typeof startApi>, url: string) {
    const [path = "", query = ""] = url.split("?");
    const told: string[] = [];
    const bookmarks: (string | undefined)[] = [];
    let room = 1;
    let resume = (): void => {};
    let ended = 0;
    const cancel = api.watch(
      { method: "GET", path, query: { ...Object.fromEntries(new URLSearchParams(query)), watch: "true" } },
      {
        event: ({ type, object }) => {
          room -= 1;
          told.push(type === "ERROR" || type === "BOOKMARK" ? type : `${type} ${object.metadata.name}`);
          if (type === "BOOKMARK") bookmarks.push(object.metadata.resourceVersion);
        },
        holds: (whenItHasRoom) => {
          resume = whenItHasRoom;
          return room <= 0;
        },
        ended: () => {
          ended += 1;
        },
      },
    );
    const take = (events: number): void => {
      room = events;
      resume();
    };
    return { told, bookmarks, take, cancel, timesEnded: () => ended };
  }

  it("gets what existed at the beginning, its end, and then what came meanwhile, each once and in order", async () => {
    const bed = startApi();
    const { post, patch, delete: remove, clock, store } = bed;
    for (const name of ["a", "b", "c"]) await post(configMaps, configMap(name));
    const { version } = store;
    const query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    const watched = slowWatch(bed, `${configMaps}?${query}`);
    await clock.settle();
    assert.deepEqual(watched.told, ["ADDED a"]);
    await patch(`${configMaps}/c`, { data: { k: "1" } });
    await remove(`${configMaps}/b`);
    await post(configMaps, configMap("d"));
    await clock.settle();
    assert.deepEqual(watched.told, ["ADDED a"]);
    for (let step = 0; step < 10; step += 1) {
      watched.take(1);
      await clock.settle();
    }
    assert.deepEqual(watched.told, [
      "ADDED a",
      "ADDED b",
      "ADDED c",
      "BOOKMARK",
      "MODIFIED c",
      "DELETED b",
      "ADDED d",
    ]);
    assert.deepEqual(watched.bookmarks, [String(version)]);
    watched.cancel();
  });

  it("is told 410 and ended, once, when it has fallen behind the history, while others go on", async () => {
    const bed = startApi({ historyLength: 5 });
    const { post, watch, clock } = bed;
    const slow = slowWatch(bed, configMaps);
    const fast = watch(configMaps);
    for (let n = 0; n < 12; n += 1) await post(configMaps, configMap(`c${n}`));
    await clock.settle();
    assert.deepEqual(slow.told, ["ADDED c0", "ERROR"]);
    assert.equal(slow.timesEnded(), 1);
    assert.equal(fast.told().length, 12);
    slow.take(100);
    await clock.settle();
    assert.equal(slow.told.length, 2);
    fast.cancel();
  });

  it("is ended at its time although it has not taken everything", async () => {
    const bed = startApi();
    const { post, clock } = bed;
    for (const name of ["a", "b"]) await post(configMaps, configMap(name));
    const watched = slowWatch(bed, `${configMaps}?timeoutSeconds=30`);
    await clock.advance(30);
    assert.deepEqual(watched.told, ["ADDED a"]);
    assert.equal(watched.timesEnded(), 1);
    assert.equal(clock.pending, 0);
  });

  it("of a burst of more changes than the history holds, one that keeps up sees all", async () => {
    const { post, api, watch, clock } = startApi({ historyLength: 2 });
    for (let n = 0; n < 10; n += 1) await post(configMaps, configMap(`c${n}`));
    const watched = watch(configMaps);
    await clock.settle();
    // All within one turn of the event loop.
    await api.request({ method: "DELETE", path: configMaps });
    await clock.settle();
    assert.equal(watched.told().filter((text) => text.startsWith("DELETED")).length, 10);
    watched.cancel();
  });
});
