import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { normalise } from "./normalise.ts";

describe("the texts that are compared", () => {
  for (const [text, expected] of [
    ["uid: 2f1c3a52-7f6c-4b0e-9a55-5c1f6f0f1a11", "uid: <uid>"],
    ['creationTimestamp: "2026-11-30T03:21:04Z"', 'creationTimestamp: "<time>"'],
    ["Start Time:   Mon, 30 Nov 2026 03:21:04 +0000", "Start Time:  <time>"],
    ['resourceVersion: "123"', 'resourceVersion: "<version>"'],
    ["NAME   READY   AGE\nweb    1/1     5m3s", "NAME  READY  AGE\nweb  1/1  <age>"],
    ["  Normal  Pulled  5s (x3 over 2m)  kubelet", "  Normal  Pulled  <age> (<times>)  kubelet"],
    ["web-5d4f8c7b9-x7k2p", "web-<hash>"],
    ["IP: 10.96.12.1 or 127.194.3.4", "IP: <ip> or <ip>"],
    ["80:31234/TCP", "80:<nodePort>/TCP"],
    ["at /tmp/x1/web.yaml", "at <folder>/web.yaml"],
  ] as const)
    it(`have nothing in them of the one run: ${text}`, () =>
      assert.equal(normalise(text, "/tmp/x1"), expected));

  it("keep what a setting says", () => {
    const text = "  Liveness:  http-get :80 delay=0s timeout=1s period=10s\n  image: web:1\n  port: 30";
    assert.equal(normalise(text, "/tmp/x1"), text);
  });
});
