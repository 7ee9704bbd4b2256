import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { instant } from "../time/clock.ts";
import { ManualClock } from "../time/manual-clock.ts";
import { ApiError } from "./errors.ts";
import { Queue } from "./queue.ts";
import { measured, type Requested } from "./telemetry.ts";
import type { ApiRequest, Transport } from "./transport.ts";

describe("telemetry", () => {
  const told = async (answer: Transport["request"], request: ApiRequest): Promise<Requested[]> => {
    const requests: Requested[] = [];
    const clock = new ManualClock();
    const transport = measured({ request: answer, watch: () => () => {} }, clock, {
      requested: (one) => requests.push(one),
    });
    await transport.request(request).catch(() => undefined);
    return requests;
  };

  const paths: readonly (readonly [path: string, what: string])[] = [
    ["/api/v1/pods", "pods"],
    ["/api/v1/namespaces", "namespaces"],
    ["/api/v1/namespaces/shop", "namespaces"],
    ["/api/v1/namespaces/shop/finalize", "namespaces/finalize"],
    ["/api/v1/namespaces/shop/pods", "pods"],
    ["/api/v1/namespaces/shop/pods/web-1", "pods"],
    ["/api/v1/namespaces/shop/pods/web-1/log", "pods/log"],
    ["/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web/status", "rollouts/status"],
    ["/apis/argoproj.io/v1alpha1/rollouts", "rollouts"],
    ["/apis/apiextensions.k8s.io/v1/customresourcedefinitions/x/status", "customresourcedefinitions/status"],
  ];
  for (const [path, what] of paths)
    it(`tells of a request to ${path} that it was about ${what}`, async () => {
      const answer = async () => ({ code: 200, body: {} });
      assert.deepEqual(await told(answer, { method: "GET", path }), [
        { method: "GET", what, code: 200, seconds: 0 },
      ]);
    });

  it("tells of a request that got no answer", async () => {
    const answer = async () => Promise.reject(new ApiError("unreachable", "nobody there"));
    const [request] = await told(answer, { method: "GET", path: "/api/v1/pods" });
    assert.equal(request?.code, "unreachable");
  });

  it("tells of every pass how it went and what it took, and how many keys wait", async () => {
    const clock = new ManualClock();
    const news: object[] = [];
    const queue = new Queue({
      clock,
      concurrency: 1,
      firstRetrySeconds: 1,
      longestRetrySeconds: 60,
      telemetry: {
        name: "rollouts",
        to: { passed: (pass) => news.push(pass), queued: ({ keys }) => news.push({ keys }) },
      },
      pass: async (key) => {
        await new Promise<void>((resolve) => clock.at(instant(clock.now() + 2000), resolve));
        return key === "a" ? { is: "done" } : { is: "failed", slowly: false };
      },
    });
    for (const key of ["a", "b"]) queue.add(key);
    queue.start();
    await clock.advance(4.5);
    await queue.stop();
    assert.deepEqual(
      news.filter((one) => "result" in one),
      [
        { queue: "rollouts", result: "done", seconds: 2 },
        { queue: "rollouts", result: "failed", seconds: 2 },
      ],
    );
    assert.deepEqual(news.flatMap((one) => ("keys" in one ? [one.keys] : [])).slice(0, 2), [1, 0]);
  });
});
