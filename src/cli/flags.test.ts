import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UsageError } from "./errors.ts";
import { addOnsOf, addressingOf, addressOf, type Flags, firstWord, oneOf, parseArguments } from "./flags.ts";

const flags = {
  namespace: { takes: "text", short: "n", value: "NAME", help: "" },
  filename: { takes: "texts", short: "f", value: "FILE", help: "" },
  watch: { takes: "nothing", short: "w", initially: true, help: "" },
  "all-namespaces": { takes: "nothing", short: "A", help: "" },
} as const satisfies Flags;

const none = { namespace: undefined, filename: [], watch: true, "all-namespaces": false };

describe("the arguments of a command", () => {
  const lines: readonly [string, readonly string[], Partial<Record<keyof typeof flags, unknown>>][] = [
    ["web", ["web"], {}],
    ["web --namespace shop", ["web"], { namespace: "shop" }],
    ["--namespace=shop web", ["web"], { namespace: "shop" }],
    ["-n shop web", ["web"], { namespace: "shop" }],
    ["-nshop web", ["web"], { namespace: "shop" }],
    ["-n=shop web", ["web"], { namespace: "shop" }],
    ["-n=a=b", [], { namespace: "a=b" }],
    ["--namespace a --namespace b", [], { namespace: "b" }],
    ["-f a -f=b --filename c", [], { filename: ["a", "b", "c"] }],
    ["-f -", [], { filename: ["-"] }],
    ["--filename -A", [], { filename: ["-A"] }],
    ["--watch=false web", ["web"], { watch: false }],
    ["-w=false web", ["web"], { watch: false }],
    ["--watch=false --watch", [], { watch: true }],
    ["-wA web", ["web"], { "all-namespaces": true }],
    ["-A web -- --watch=false -n=x", ["web", "--watch=false", "-n=x"], { "all-namespaces": true }],
    ["-", ["-"], {}],
  ];
  for (const [line, words, values] of lines) {
    it(`are read from "${line}"`, () => {
      assert.deepEqual(parseArguments(line.split(" "), flags), { words, flags: { ...none, ...values } });
    });
  }

  const refused: readonly [string, string][] = [
    ["--namespce shop", "unknown flag: --namespce, did you mean --namespace?"],
    ["--zzz=1", "unknown flag: --zzz"],
    ["-x", "unknown flag: -x"],
    ["-wx", "unknown flag: -x"],
    ["--toString", "unknown flag: --toString"],
    ["--namespace", "flag needs a value: --namespace NAME"],
    ["--namespace= web", "--namespace: must not be empty, but a NAME"],
    ["web -n", "flag needs a value: -n NAME"],
    ["--watch=no", '--watch: must be true or false, not "no"'],
    ["-w=no", '--watch: must be true or false, not "no"'],
  ];
  for (const [line, message] of refused) {
    it(`are refused in "${line}"`, () => {
      assert.throws(() => parseArguments(line.split(" "), flags), new UsageError(message));
    });
  }

  it("may stand before the command", () => {
    assert.equal(firstWord(["-n", "shop", "--watch", "get", "pods"], flags), 3);
    assert.equal(firstWord(["-n=shop", "get"], flags), 1);
    assert.equal(firstWord(["--watch"], flags), 1);
  });
});

it("a value that is none of those there are names the nearest", () => {
  const forms = ["json", "yaml", "wide"] as const;
  assert.equal(oneOf("output", "yaml", forms), "yaml");
  assert.equal(oneOf("output", undefined, forms), undefined);
  const message = '--output: must be one of json, yaml, wide, not "jsn", did you mean json?';
  assert.throws(() => oneOf("output", "jsn", forms), new UsageError(message));
});

describe("the addresses of a cluster", () => {
  it("are an IPv4 address and a mode that is known, or one clear error", () => {
    assert.equal(addressOf("address", "127.0.0.1"), "127.0.0.1");
    assert.equal(addressingOf("auto"), undefined);
    assert.equal(addressingOf("single"), "single");
    assert.throws(
      () => addressOf("address", "localhost"),
      /--address: must be an IPv4 address .* not "localhost"/,
    );
    assert.throws(() => addressingOf("both"), /--addresses: .*own.*single/);
  });
});

it("names of add-ons stand in one text, each once, and an unknown one is an error", () => {
  assert.deepEqual(addOnsOf("istio, gateway-api,istio"), ["istio", "gateway-api"]);
  assert.deepEqual(addOnsOf(undefined), []);
  assert.throws(() => addOnsOf("istio,"), /--with: must be one of istio, gateway-api, not ""/);
});
