import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canonicalQuantity, quantityValue } from "./quantity.ts";

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

describe("a quantity's value", () => {
  const equal: readonly (readonly string[])[] = [
    ["134217728", "128Mi", "131072Ki", "0.125Gi", "134217728000m", "134217.728k", "1.34217728e8"],
    ["1000", "1k", "1e3", "1E3", "+1000", "1000.0", "0.001M", "1000000m", "10e2", ".1e4"],
    ["0.5", "500m", ".5", "5e-1", "5E-1", "500000u", "0.50"],
    ["1", "1.0", "1.", "1000m", "1e0", "01"],
    ["0", "-0", "0Mi", "0.0", "0e9"],
    ["9007199254740993", "9007199254740993.0", "9007199254740993000m"],
    ["1Ei", "1024Pi", "1152921504606846976"],
    ["1E", "1e18", "1000P"],
    ["-1k", "-1000", "-1e3"],
    ["0.0000000001", "1n"],
  ];
  for (const [first = "", ...others] of equal) {
    it(`is the same for ${[first, ...others].join(", ")}`, () => {
      for (const other of others) assert.equal(quantityValue(other), quantityValue(first), other);
    });
  }

  it("is another one for every other amount, however large", () => {
    const amounts = [
      "0",
      "1",
      "-1",
      "1k",
      "1Ki",
      "1M",
      "1Mi",
      "9007199254740992",
      "9007199254740993",
      "1n",
      "2n",
    ];
    assert.equal(new Set(amounts.map(quantityValue)).size, amounts.length);
  });

  it("does not exist for a text that is no quantity", () => {
    for (const text of ["", "lots", "1Zi", "64MB", "1 Gi", "0x10", "1e", "--1"])
      assert.equal(quantityValue(text), undefined, text);
  });
});
