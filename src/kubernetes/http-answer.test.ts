import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { type HttpAnswer, readBody } from "./http-answer.ts";

const json = { "content-type": "application/json" };

function packed(content: string | Buffer): HttpAnswer {
  const bytes = gzipSync(content);
  // As it comes from a network: in pieces.
  const pieces = Array.from({ length: Math.ceil(bytes.length / 1000) }, (_, at) =>
    bytes.subarray(at * 1000, at * 1000 + 1000),
  );
  return { code: 200, headers: { ...json, "content-encoding": "gzip" }, body: Readable.from(pieces) };
}

/** As alike as Rollouts of one generator are. */
function rollouts(count: number, size: number): string {
  const value = "https://service.shop.svc.cluster.local/path";
  const env = Array.from({ length: Math.ceil(size / 70) }, (_, at) => ({ name: `VAR_${at}`, value }));
  const items = Array.from({ length: count }, (_, at) => ({
    metadata: { name: `web-${at}`, namespace: "shop", resourceVersion: String(at) },
    spec: { template: { spec: { containers: [{ name: "web", env }] } } },
  }));
  return JSON.stringify({ metadata: { resourceVersion: "1" }, items });
}

describe("a packed answer", () => {
  for (const [count, size] of [
    [10_000, 2_000],
    [500, 20_000],
  ] as const) {
    it(`is read when it is a list of ${count} objects of ${size} bytes`, async () => {
      const text = rollouts(count, size);
      assert.ok(text.length > 8 * 1024 * 1024);
      const body = (await readBody(packed(text))) as { items: readonly unknown[] };
      assert.equal(body.items.length, count);
    });
  }

  for (const [what, filler] of [
    ["nothing", ""],
    ["one character", "a"],
    ["empty lists", "[],"],
  ] as const) {
    it(`is given up when it is short and made to fill the memory, with ${what}`, async () => {
      const answer = packed(Buffer.alloc(100 * 1024 * 1024, filler));
      await assert.rejects(readBody(answer), /packed more than 200 times, as no list of objects is/);
    });
  }
});
