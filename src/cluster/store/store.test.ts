import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubernetesObject } from "../../api/core.ts";
import type { Change } from "./change.ts";
import { type Entry, noJournal } from "./journal.ts";
import { HistoryExpired, Store } from "./store.ts";

const object = (name: string, fields: object = {}, namespace = "default"): KubernetesObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace },
  ...fields,
});

const told = (changes: readonly Change[]): string[] => changes.map(({ type, name }) => `${type} ${name}`);

describe("a store", () => {
  it("gives every write of any collection the next version", () => {
    const store = new Store();
    assert.equal(store.put("configmaps", object("a")).metadata.resourceVersion, "1");
    assert.equal(store.put("secrets", object("a")).metadata.resourceVersion, "2");
    assert.equal(store.remove("configmaps", "default", "a")?.metadata.resourceVersion, "3");
    assert.equal(store.version, 3);
  });

  it("lists by namespace and name, whatever the order of writes", () => {
    const store = new Store();
    for (const [name, namespace] of [
      ["b", "x"],
      ["c", "a"],
      ["a", "x"],
    ] as const) {
      store.put("configmaps", object(name, {}, namespace));
    }
    assert.deepEqual(
      store.list("configmaps").map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
      ["a/c", "x/a", "x/b"],
    );
    assert.deepEqual(
      store.list("configmaps", "x").map(({ metadata }) => metadata.name),
      ["a", "b"],
    );
    assert.equal(store.size("configmaps"), 3);
    assert.deepEqual(store.list("secrets"), []);
  });

  it("lets nobody change what is stored", () => {
    const store = new Store();
    const stored = store.put("configmaps", object("a", { data: { k: "1" } })) as unknown as {
      data: { k: string };
    };
    assert.throws(() => {
      stored.data.k = "2";
    }, TypeError);
  });

  it("tells listeners each change with the state before", () => {
    const store = new Store();
    const changes: Change[] = [];
    const cancel = store.listen("configmaps", (change) => changes.push(change));
    const first = store.put("configmaps", object("a"));
    store.put("configmaps", object("a", { data: {} }));
    store.put("secrets", object("other"));
    store.remove("configmaps", "default", "a");
    cancel();
    store.put("configmaps", object("b"));
    assert.deepEqual(told(changes), ["ADDED a", "MODIFIED a", "DELETED a"]);
    assert.equal(changes[1]?.previous, first);
    assert.equal(changes[2]?.object.metadata.resourceVersion, "4");
  });

  it("goes back to any version within its history, and says when that is too long ago", async () => {
    const store = new Store({ historyLength: 3 });
    store.put("configmaps", object("a"));
    store.put("configmaps", object("b"));
    store.put("configmaps", object("a", { data: { k: "2" } }));
    store.remove("configmaps", "default", "b");
    store.put("configmaps", object("c"));
    await Promise.resolve();
    assert.deepEqual(told(store.changesSince(3, "configmaps")), ["DELETED b", "ADDED c"]);
    assert.deepEqual(told(store.changesSince(5, "configmaps")), []);
    const names = (version: number): string[] =>
      store.listAt(version, "configmaps").map(({ metadata }) => metadata.name);
    assert.deepEqual(names(5), ["a", "c"]);
    assert.deepEqual(names(4), ["a"]);
    assert.deepEqual(names(2), ["a", "b"]);
    assert.equal(store.listAt(2, "configmaps")[0]?.metadata.resourceVersion, "1");
    assert.throws(() => store.changesSince(1, "configmaps"), HistoryExpired);
    assert.throws(() => store.listAt(1, "configmaps"), { message: "too old resource version: 1 (2)" });
  });

  it("keeps a history for each collection, so that a busy one pushes out nobody else's", async () => {
    const store = new Store({ historyLength: 2 });
    store.put("configmaps", object("a"));
    for (let round = 0; round < 10; round += 1) store.put("leases", object("l", { round }));
    await Promise.resolve();
    assert.deepEqual(told(store.changesSince(0, "configmaps")), ["ADDED a"]);
    assert.throws(() => store.changesSince(0, "leases"), HistoryExpired);
  });

  it("keeps no more bytes of the past than it may, of all collections together, and always the newest change", async () => {
    const lengths = {
      ...noJournal,
      append: ({ object }: Entry) => (object as Sized | undefined)?.length ?? 0,
    };
    const store = new Store({ journal: lengths, historyBytes: 1000 });
    store.put("leases", object("small", { length: 10 }));
    for (let round = 0; round < 50; round += 1) store.put("configmaps", object("large", { length: 300 }));
    await Promise.resolve();
    // Of 51 writes the first is an object's first state: nothing is kept for it but what is stored.
    assert.equal(store.floorOf("configmaps"), 48);
    assert.equal(store.changesSince(48, "configmaps").length, 3);
    assert.equal(
      store.changesSince(0, "leases").length,
      1,
      "a small history is not given up for a large one",
    );
    store.put("configmaps", object("large", { length: 5000 }));
    store.put("configmaps", object("large", { length: 10 }));
    await Promise.resolve();
    assert.deepEqual(told(store.changesSince(52, "configmaps")), ["MODIFIED large"]);
  });

  it("gives listeners a microtask to read changes before they are given up", async () => {
    const store = new Store({ historyLength: 1 });
    let read: Change[] = [];
    store.listen("configmaps", ({ version }) => {
      if (version === 1) queueMicrotask(() => (read = store.changesSince(0, "configmaps")));
    });
    for (const name of ["a", "b", "c"]) store.put("configmaps", object(name));
    await Promise.resolve();
    assert.deepEqual(told(read), ["ADDED a", "ADDED b", "ADDED c"]);
    assert.throws(() => store.changesSince(0, "configmaps"), HistoryExpired);
  });
});

type Sized = KubernetesObject & { readonly length?: number };
