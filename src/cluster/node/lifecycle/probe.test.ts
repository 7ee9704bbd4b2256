import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Probe } from "../../../api/core.ts";
import { ManualClock } from "../../../time/manual-clock.ts";
import { type ProbeKind, runProbe } from "./probe.ts";

/** Probes a container whose health at each second of its life is told by `isHealthy`. */
function probing(
  kind: ProbeKind,
  probe: Probe,
  isHealthy: (second: number) => boolean,
  initially: boolean | undefined = kind === "liveness" ? true : kind === "readiness" ? false : undefined,
) {
  const clock = new ManualClock();
  const since = clock.now();
  const stop = new AbortController();
  const seconds = () => (clock.now() - since) / 1000;
  const checks: number[] = [];
  const changes: [number, boolean][] = [];
  const failures: number[] = [];
  const ended = runProbe({
    clock,
    kind,
    probe,
    since,
    initially,
    check: async () => {
      checks.push(seconds());
      return isHealthy(seconds()) ? { healthy: true } : { healthy: false, message: "no" };
    },
    changed: (healthy) => changes.push([seconds(), healthy]),
    failed: () => failures.push(seconds()),
    signal: stop.signal,
  });
  return { clock, checks, changes, failures, ended, stop };
}

describe("a readiness probe", () => {
  it("sees a server that opens its port after 200 ms long before its period is over", async () => {
    const { clock, changes, failures, stop } = probing("readiness", { periodSeconds: 10 }, (s) => s >= 0.2);
    await clock.advance(10);
    const readyAt = changes[0]?.[0] ?? 0;
    assert.ok(readyAt >= 0.2 && readyAt <= 0.5, String(readyAt));
    assert.deepEqual(failures, []);
    stop.abort();
    assert.equal(clock.pending, 0);
  });

  it("checks once per period after its first success", async () => {
    const { clock, checks, stop } = probing(
      "readiness",
      { periodSeconds: 5, initialDelaySeconds: 3 },
      () => true,
    );
    await clock.advance(20);
    assert.deepEqual(checks, [3, 8, 13, 18]);
    stop.abort();
  });

  it("checks once per period and tells each failure after the first period", async () => {
    const { clock, checks, failures, stop } = probing("readiness", { periodSeconds: 5 }, () => false);
    await clock.advance(20);
    assert.deepEqual(failures, [5, 10, 15, 20]);
    assert.deepEqual(
      checks.filter((second) => second > 5),
      [10, 15, 20],
    );
    stop.abort();
  });

  it("needs failureThreshold failures and successThreshold successes in a row", async () => {
    const sick = (second: number) => (second >= 1 && second < 2) || (second >= 5 && second < 9);
    const probe = { periodSeconds: 1, failureThreshold: 3, successThreshold: 2 };
    const { clock, changes, stop } = probing("readiness", probe, (second) => !sick(second), true);
    await clock.advance(12);
    assert.deepEqual(changes, [
      [7, false],
      [10, true],
    ]);
    stop.abort();
  });
});

describe("a liveness probe", () => {
  it("fails after failureThreshold failures in a row and then is over", async () => {
    const { clock, changes, ended } = probing("liveness", { periodSeconds: 2 }, (second) => second < 5);
    await clock.advance(20);
    await ended;
    assert.deepEqual(changes, [[10, false]]);
    assert.equal(clock.pending, 0);
  });

  it("gives a container its first period", async () => {
    const { clock, checks, stop } = probing("liveness", { periodSeconds: 3 }, () => true);
    await clock.advance(7);
    assert.deepEqual(checks, [3, 6]);
    stop.abort();
  });
});

describe("a startup probe", () => {
  it("is over with its first success", async () => {
    const { clock, changes, ended } = probing("startup", { periodSeconds: 10 }, (second) => second >= 12);
    await clock.advance(60);
    await ended;
    assert.deepEqual(changes, [[20, true]]);
  });

  it("fails when the container does not come up in failureThreshold periods", async () => {
    const probe = { periodSeconds: 10, failureThreshold: 2 };
    const { clock, changes, ended } = probing("startup", probe, () => false);
    await clock.advance(60);
    await ended;
    assert.deepEqual(changes, [[20, false]]);
  });
});
