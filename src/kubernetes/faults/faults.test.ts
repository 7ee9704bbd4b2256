import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { generate } from "selfsigned";
import { isFull } from "../../../test/effort.ts";
import type { Pod } from "../../api/core.ts";
import { resources } from "../../api/resources.ts";
import { later } from "../../time/clock.ts";
import { pause } from "../../time/pause.ts";
import { KubernetesClient } from "../client.ts";
import { fixedCredentials } from "../credentials.ts";
import { ApiError } from "../errors.ts";
import { HttpTransport } from "../http-transport.ts";
import type { ApiRequest, WatchEvent } from "../transport.ts";
import { WatchCache } from "../watch-cache.ts";
import { FaultServer } from "./fault-server.fixture.ts";
import { connectionFaults, faults } from "./faults.fixture.ts";
import { HurriedClock } from "./hurried-clock.fixture.ts";
import { contentOf } from "./small-pods.fixture.ts";

// Whatever a server answers, and whenever: nothing ends the process, every call ends, and a cache has the right content once
// the faults have stopped. A call that never ends fails its test by the runner's limit.
const seeds = isFull ? 300 : 12;
const limit = { timeout: 120_000 };

const list: ApiRequest = { method: "GET", path: "/api/v1/pods" };
const write: ApiRequest = { ...list, method: "POST", body: { text: "ü".repeat(1000) } };
const watch: ApiRequest = { ...list, query: { watch: "true", resourceVersion: "100", timeoutSeconds: "20" } };
const log: ApiRequest = { method: "GET", path: "/api/v1/namespaces/shop/pods/pod-1/log" };

/** What went wrong where nobody waited for it: each would end a process, or is a sign of listeners that are never taken away. */
const strays: unknown[] = [];
const stray = (error: unknown): void => {
  strays.push(error);
};

describe("whatever a server answers", { concurrency: 2 }, () => {
  let tls = { key: "", cert: "" };
  before(async () => {
    const { private: key, cert } = await generate([{ name: "commonName", value: "127.0.0.1" }], {
      extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }],
    });
    tls = { key, cert };
    for (const event of ["unhandledRejection", "uncaughtException", "warning"]) process.on(event, stray);
  });
  after(() => {
    for (const event of ["unhandledRejection", "uncaughtException", "warning"]) process.off(event, stray);
  });

  async function open(isSecure: boolean, seed: number, hurry: number) {
    const random = seeded(seed);
    const server = new FaultServer({ random, tls: isSecure ? tls : undefined });
    const clock = new HurriedClock(hurry, random);
    const address = await server.listen();
    const credentials = fixedCredentials(isSecure ? { ca: tls.cert } : {});
    const transport = new HttpTransport({ server: address, clock, credentials });
    return {
      server,
      clock,
      transport,
      async [Symbol.asyncDispose]() {
        transport.close();
        // Ends only when the client has left no connection behind.
        await server.close();
        await new Promise((resolve) => setImmediate(resolve));
        assert.deepEqual(strays.splice(0), []);
      },
    };
  }

  type Scene = Awaited<ReturnType<typeof open>>;

  /** Every way to ask, answered by one fault. */
  async function everyWay(
    { transport, clock }: Pick<Scene, "transport" | "clock">,
    userAgent: string,
  ): Promise<void> {
    await Promise.all([
      settled(transport, { ...list, userAgent }),
      settled(transport, { ...write, userAgent }),
      watched(transport, { ...watch, userAgent }),
      followed(transport, clock, { ...log, userAgent }),
      cancelledAtFirst(transport, { ...watch, userAgent }),
    ]);
  }

  for (const [scheme, server] of [
    ["http", "https://api.example"],
    ["http", "http://api.example"],
    ["socks5", "https://api.example"],
  ] as const) {
    test(
      `every fault of the connection to a ${scheme} proxy for ${server} ends every call`,
      limit,
      async () => {
        await Promise.all(
          Object.keys(connectionFaults).map(async (name) => {
            const random = seeded(1);
            const proxyServer = new FaultServer({ random });
            proxyServer.connectionFault = name;
            const clock = new HurriedClock(25, random);
            const proxy = new URL((await proxyServer.listen()).replace("http:", `${scheme}:`));
            const transport = new HttpTransport({ server, clock, proxy });
            await everyWay({ transport, clock }, "teal");
            const played = proxyServer.played.get(name) ?? 0;
            assert.ok(played >= 1 && played < 50, `${name}: ${played} connections`);
            transport.close();
            proxyServer.breakOff();
            await proxyServer.close();
            await new Promise((resolve) => setImmediate(resolve));
            assert.deepEqual(strays.splice(0), []);
          }),
        );
      },
    );
  }

  for (const isSecure of [false, true]) {
    const over = isSecure ? "over TLS" : "in the clear";

    test(`every fault ends every call, ${over}`, limit, async () => {
      // Handshakes take long: above them there is nothing new but how a connection ends.
      await using scene = await open(isSecure, 1, isSecure ? 12 : 25);
      const names = Object.keys(faults).filter((_, at) => isFull || !isSecure || at % 7 === 0);
      const waiting = names.values();
      const worker = async (): Promise<void> => {
        for (const name of waiting) await everyWay(scene, `teal x-fault ${encodeURIComponent(name)}`);
      };
      await Promise.all(Array.from({ length: isSecure ? 6 : 40 }, worker));
      assert.equal([...scene.server.played.keys()].length, names.length);
    });

    test(`every fault of a connection ends every call, ${over}`, limit, async () => {
      await Promise.all(
        Object.keys(connectionFaults).map(async (name) => {
          await using scene = await open(isSecure, 1, 15);
          scene.server.connectionFault = name;
          await everyWay(scene, "teal");
          assert.ok((scene.server.played.get(name) ?? 0) >= 5, name);
        }),
      );
    });

    for (let seed = 1; seed <= (isSecure ? Math.ceil(seeds / 3) : seeds); seed += 8) {
      const batch = Array.from({ length: Math.min(8, seeds - seed + 1) }, (_, at) => seed + at);
      test(
        `a cache has the right content in the end, ${over}, seeds ${batch.join(", ")}`,
        limit,
        async () => {
          await Promise.all(batch.map((one) => cacheSurvives(isSecure, one)));
        },
      );
    }
  }

  async function cacheSurvives(isSecure: boolean, seed: number): Promise<void> {
    await using scene = await open(isSecure, seed, 100);
    const { server, clock, transport } = scene;
    server.share = 60;
    const told = new Map<string, Pod>();
    const cache = new WatchCache<Pod>({
      client: new KubernetesClient(transport),
      clock,
      resource: resources.pods,
    });
    cache.subscribe(({ type, object, previous }) => {
      const { name } = object.metadata;
      const before = told.get(name);
      assert.equal(
        before,
        type === "deleted" ? object : previous,
        `${type} ${name} fits to what was told before`,
      );
      if (type === "deleted") told.delete(name);
      else told.set(name, object);
    });
    cache.start();
    for (let step = 0; step < 60; step += 1) {
      server.pods.change();
      await pause(clock, later(clock.now(), 1));
      if (step % 20 === 10) server.breakOff();
    }
    server.share = 0;
    const isRight = (): boolean => String(contentOf(cache.list())) === String(server.pods.content());
    // What is silent now is given up when it is overdue.
    const giveUp = later(clock.now(), 3000);
    while (!isRight() && clock.now() < giveUp) await pause(clock, later(clock.now(), 1));
    const missing = `seed ${seed}: ${[...server.played.keys()].join(" · ")}`;
    assert.deepEqual(contentOf(cache.list()), server.pods.content(), missing);
    assert.deepEqual(contentOf([...told.values()]), server.pods.content(), missing);
    // And it goes on.
    server.pods.change();
    while (!isRight() && clock.now() < later(giveUp, 3000)) await pause(clock, later(clock.now(), 1));
    assert.deepEqual(contentOf(cache.list()), server.pods.content(), missing);
    cache.stop();
  }

  for (let seed = 1; seed <= seeds; seed += 1) {
    test(`nothing is told after calls were broken off at any moment, seed ${seed}`, limit, async () => {
      const random = seeded(seed);
      await using scene = await open(seed % 2 === 0, seed, 30);
      const { server, transport, clock } = scene;
      server.share = 70;
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          let isCancelled = false;
          const afterwards: string[] = [];
          const note = (what: string) => (): void => {
            if (isCancelled) afterwards.push(what);
          };
          const cancel = transport.watch(watch, {
            opened: note("opened"),
            event: note("event"),
            ended: note("ended"),
          });
          const stop = new AbortController();
          const reading = textOf(transport.follow(log, stop.signal)).catch(mustBeApiError);
          await pause(clock, later(clock.now(), random() * 3));
          isCancelled = true;
          cancel();
          stop.abort();
          await reading;
          await pause(clock, later(clock.now(), 1));
          assert.deepEqual(afterwards, []);
        }),
      );
    });
  }

  test("calls under way end when the transport is closed", limit, async () => {
    await using scene = await open(false, 1, 30);
    const { transport, clock } = scene;
    const userAgent = `teal x-fault ${encodeURIComponent("is silent")}`;
    const under = everyWay(scene, userAgent);
    await pause(clock, later(clock.now(), 1));
    transport.close();
    await under;
  });
});

async function settled(transport: HttpTransport, request: ApiRequest): Promise<void> {
  const { code } = await transport.request(request).catch(mustBeApiError);
  assert.ok(Number.isInteger(code));
}

/** Follows a watch to its end, of which it must hear once. */
async function watched(transport: HttpTransport, request: ApiRequest): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  let ends = 0;
  transport.watch(request, {
    event(event) {
      assert.equal(ends, 0, "nothing is told after the end");
      assertEvent(event);
    },
    ended(error) {
      ends += 1;
      resolve(error);
    },
  });
  const error = await promise;
  if (error !== undefined) mustBeApiError(error);
  await new Promise((done) => setImmediate(done));
  assert.equal(ends, 1);
}

/** Cancels a watch within its first event, as what lists anew does. */
async function cancelledAtFirst(transport: HttpTransport, request: ApiRequest): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isCancelled = false;
  const cancel = transport.watch(request, {
    event() {
      assert.equal(isCancelled, false);
      isCancelled = true;
      cancel();
      resolve();
    },
    ended() {
      assert.equal(isCancelled, false);
      resolve();
    },
  });
  await promise;
}

async function followed(transport: HttpTransport, clock: HurriedClock, request: ApiRequest): Promise<void> {
  const stop = new AbortController();
  // A log may be silent for ever; whoever reads it goes at some time.
  const cancel = clock.at(later(clock.now(), 40), () => stop.abort());
  await textOf(transport.follow(request, stop.signal)).catch(mustBeApiError);
  cancel();
}

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

function mustBeApiError(error: unknown): ApiError {
  assert.ok(error instanceof ApiError, String(error));
  assert.ok(error.message.length > 0 && error.message.length < 2000, error.message);
  return error;
}

function assertEvent(event: WatchEvent): void {
  assert.ok(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"].includes(event.type));
  assert.equal(typeof event.object.metadata, "object");
  if (event.type === "ERROR") assert.equal(event.object.kind, "Status");
}

/** From 0 to 1, the same numbers for the same seed. */
function seeded(seed: number): () => number {
  let state = seed * 7919;
  return () => {
    // Park and Miller's generator.
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
