import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canonicalQuantity } from "./quantity.ts";

describe("a quantity's canonical form", () => {
  const cases: readonly [text: string, canonical: string | undefined][] = [
    ["0.5", "500m"],
    ["1024Mi", "1Gi"],
    ["1", "1"],
    ["64Mi", "64Mi"],
    ["1000", "1k"],
    ["1500", "1500"],
    ["1000m", "1"],
    ["1500m", "1500m"],
    ["0.1", "100m"],
    ["1.5Gi", "1536Mi"],
    ["0.5Ki", "512"],
    ["512Ki", "512Ki"],
    ["1023", "1023"],
    ["1024", "1024"],
    ["1024Ki", "1Mi"],
    ["0", "0"],
    ["0Mi", "0"],
    ["0.0", "0"],
    ["1e3", "1e3"],
    ["1E3", "1e3"],
    ["12e2", "1200"],
    ["1e4", "10e3"],
    ["-500m", "-500m"],
    ["+1", "1"],
    ["1.", "1"],
    [".5", "500m"],
    ["100000000", "100M"],
    ["0.0000000001", "1n"],
    ["1E", "1E"],
    [" 2 ", "2"],
    ["many", undefined],
    ["", undefined],
    [".", undefined],
    ["1 Mi", undefined],
    ["1Zi", undefined],
  ];
  for (const [text, canonical] of cases) {
    it(`writes ${JSON.stringify(text)} as ${canonical ?? "nothing, for it is none"}`, () => {
      assert.equal(canonicalQuantity(text), canonical);
    });
  }

  it("keeps thousandths in resource lists, rounded up", () => {
    assert.equal(canonicalQuantity("1.0005", 3), "1001m");
    assert.equal(canonicalQuantity("100n", 3), "1m");
  });
});
