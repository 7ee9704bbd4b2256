import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pod } from "../../api/core.ts";
import { resources } from "../../api/resources.ts";
import { ManualClock } from "../../time/manual-clock.ts";
import { KubernetesClient } from "../client.ts";
import { ScriptedTransport } from "../scripted-transport.fixture.ts";
import type { WatchEvent } from "../transport.ts";
import { WatchCache } from "../watch-cache.ts";

// What something on the way swallows, a firewall that drops or an address translation that has forgotten the connection, cannot
// be told from a cluster in which nothing happens; but for the bookmarks.

const told = (type: "ADDED" | "BOOKMARK", name: string, version: number): WatchEvent => ({
  type,
  object: {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop", resourceVersion: `${version}` },
  },
});
const bookmark = (version: number): WatchEvent => told("BOOKMARK", "", version);

async function opened() {
  const transport = new ScriptedTransport();
  transport.answer = () => ({ code: 200, body: { metadata: { resourceVersion: "10" }, items: [] } });
  const clock = new ManualClock();
  const problems: string[] = [];
  const cache = new WatchCache<Pod>({
    client: new KubernetesClient(transport),
    clock,
    resource: resources.pods,
    onProblem: (text) => problems.push(text),
  });
  cache.start();
  await clock.settle();
  /** Seconds from one new watch to the next, as long as nothing is told. */
  const pauses = async (count: number): Promise<readonly number[]> => {
    const found: number[] = [];
    for (let number = 0; number < count; number += 1) {
      const { length } = transport.watches;
      const from = clock.now();
      while (transport.watches.length === length) await clock.advance(1);
      found.push((clock.now() - from) / 1000);
    }
    return found;
  };
  return { transport, clock, cache, problems, pauses };
}

describe("a watch on which nothing comes any more", () => {
  it("is ended after two bookmarks were missed, and goes on from its last version without a list", async () => {
    const { transport, clock, cache, problems } = await opened();
    transport.latest.send(told("ADDED", "a", 11), bookmark(40));
    const [deaf] = transport.watches;
    await clock.advance(129);
    assert.equal(transport.watches.length, 1);
    await clock.advance(1);
    assert.equal(transport.watches.length, 2);
    assert.equal(deaf?.isCancelled, true);
    assert.equal(transport.latest.request.query?.["resourceVersion"], "40");
    assert.deepEqual([transport.requests.length, problems], [1, []]);
    transport.latest.send(told("ADDED", "b", 41));
    assert.deepEqual(
      cache.list().map(({ metadata }) => metadata.name),
      ["a", "b"],
    );
    cache.stop();
    assert.equal(clock.pending, 0);
  });

  it("is left alone as long as bookmarks, or anything else, come", async () => {
    const { transport, clock, cache } = await opened();
    for (let version = 11; version < 20; version += 1) {
      await clock.advance(60);
      transport.latest.send(bookmark(version));
    }
    for (let version = 21; version < 30; version += 1) {
      await clock.advance(129);
      transport.latest.send(told("ADDED", `pod-${version}`, version));
    }
    assert.equal(transport.watches.length, 1);
    cache.stop();
  });

  it("is suspected at longer intervals where the server sends no bookmarks, and soon again where it does", async () => {
    const { transport, cache, pauses } = await opened();
    assert.deepEqual(await pauses(4), [130, 260, 300, 300]);
    transport.latest.send(told("ADDED", "a", 11));
    assert.deepEqual(await pauses(1), [300], "what happens by chance says nothing of bookmarks");
    transport.latest.send(bookmark(12));
    assert.deepEqual(await pauses(2), [130, 260]);
    cache.stop();
  });

  it("is not suspected after it has ended", async () => {
    const { transport, clock, cache } = await opened();
    await clock.advance(100);
    transport.latest.end();
    await clock.advance(129);
    assert.equal(transport.watches.length, 2);
    cache.stop();
  });

  it("is no reason to go on when the next one finds no server", async () => {
    const { transport, clock, cache, problems } = await opened();
    transport.refuseWatch = new Error("no answer within 30 s");
    await clock.advance(130);
    assert.deepEqual(problems, ["cannot watch pods: no answer within 30 s"]);
    transport.refuseWatch = undefined;
    await clock.advance(1);
    transport.latest.send(told("ADDED", "a", 11));
    assert.equal(cache.list().length, 1);
    cache.stop();
  });
});
