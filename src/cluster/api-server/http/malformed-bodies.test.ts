import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { runs } from "../../../../test/effort.ts";
import { Refusal } from "../refusal.ts";
import { bodyLimitBytes, decodeBody } from "./request-body.ts";

const refusedWith = (code: number) => (error: unknown) =>
  error instanceof Refusal && error.status.code === code;

const json = Buffer.from(
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a", labels: { app: "ä", "b.c/d": "" }, creationTimestamp: null },
    spec: { containers: [{ name: "web", ports: [{ containerPort: 8080 }], env: [] }] },
  }),
);
const yaml = Buffer.from(`# a comment
apiVersion: v1
kind: Pod
metadata: &meta
  name: "a"
  labels: {app: 'ä', on: y, n: [1, 0x1f, 1e3, ~]}
spec:
  other: *meta
  text: |
    two
    lines
  - not
`);

/** A field of protobuf with bytes in it. */
function field(number: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const length: number[] = [];
  for (let rest = body.length; ; rest >>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), body]);
}

const envelope = (apiVersion: string, kind: string, object: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from("k8s\0"), field(1, field(1, apiVersion), field(2, kind)), field(2, object)]);
const podMetadata = field(
  1,
  field(1, "a"),
  field(11, field(1, "app"), field(2, "web")),
  field(8, Buffer.from([8, 5])),
);
const container = field(2, field(1, "web"), field(2, "image:v1"), field(6, Buffer.from([0x18, 0x90, 0x3f])));
const protobuf = envelope("v1", "Pod", Buffer.concat([podMetadata, field(2, container)]));

const bodies: readonly (readonly [method: string, type: string, valid: Buffer])[] = [
  ["POST", "application/json", json],
  ["PATCH", "application/json-patch+json", Buffer.from('[{"op":"add","path":"/a","value":{"b":[1,2]}}]')],
  ["PATCH", "application/apply-patch+yaml", yaml],
  ["PUT", "application/yaml", yaml],
  ["POST", "application/vnd.kubernetes.protobuf", protobuf],
];

/** A few bytes changed, taken out, or put in twice. */
function mutated(valid: Buffer, changes: readonly (readonly [number, number, number])[]): Buffer {
  return changes.reduce((bytes, [how, where, value]) => {
    const at = where % (bytes.length + 1);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    if (how === 0) return Buffer.concat([before, Buffer.from([value]), after.subarray(1)]);
    if (how === 1) return Buffer.concat([before, after.subarray(value % 20)]);
    if (how === 2) return Buffer.concat([before, after.subarray(0, value), after]);
    return before;
  }, valid);
}

/** Whatever the bytes are, they are read or refused, and nothing else. */
function readOrRefused(method: string, type: string, bytes: Buffer): void {
  try {
    decodeBody(method, type, bytes);
  } catch (error) {
    assert.ok(refusedWith(400)(error) || refusedWith(413)(error), String((error as Error).stack));
  }
}

describe("a body that is not as it should be", () => {
  it("in protobuf is read when it is as it should be", () => {
    const { body } = decodeBody("POST", "application/vnd.kubernetes.protobuf", protobuf);
    const { metadata, spec } = body as {
      metadata: { name: string };
      spec: { containers: { name: string }[] };
    };
    assert.deepEqual([metadata.name, spec.containers[0]?.name], ["a", "web"]);
  });

  for (const [method, type, valid] of bodies) {
    it(`in ${type} is refused with 400, wherever bytes of it are changed, missing or too many`, () => {
      const change = fc.tuple(fc.nat(3), fc.nat(valid.length), fc.nat(255));
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) =>
          readOrRefused(method, type, mutated(valid, changes)),
        ),
        runs(300),
      );
    });

    it(`of any bytes as ${type} is read or refused with 400`, () => {
      const start = type.endsWith("protobuf") ? "k8s\0" : "";
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) =>
          readOrRefused(method, type, Buffer.concat([Buffer.from(start), bytes])),
        ),
        runs(300),
      );
    });
  }

  const deep = (open: string, close: string, depth: number): Buffer =>
    Buffer.from(open.repeat(depth) + close.repeat(depth));
  const schema = (depth: number): Buffer =>
    // JSONSchemaProps.not, of a version of a CustomResourceDefinition.
    depth === 0 ? field(1, "") : field(22, schema(depth - 1));
  const spoilt: readonly (readonly [what: string, type: string, bytes: Buffer, code: number])[] = [
    ["JSON that is very deep", "json", deep("[", "]", 100_000), 400],
    ["objects that are very deep", "json", Buffer.from(`${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`), 400],
    ["YAML in brackets that is very deep", "yaml", deep("[", "]", 100_000), 400],
    ["YAML in lists that is very deep", "yaml", Buffer.from("- ".repeat(100_000)), 400],
    ["YAML in keys that is very deep", "yaml", Buffer.from("? ".repeat(100_000)), 400],
    ["YAML with very many aliases", "yaml", Buffer.from(`a: &a []\nb: [${"*a, ".repeat(5000)}]`), 400],
    ["YAML with very many comments", "yaml", Buffer.from(`${"#\n".repeat(200_000)}a: 1`), 400],
    ["YAML with very many documents", "yaml", Buffer.from("---\n".repeat(200_000)), 400],
    ["YAML with very many elements", "yaml", Buffer.from("- a\n".repeat(700_000)), 400],
    [
      "YAML whose aliases multiply",
      "yaml",
      Buffer.from(
        Array.from(
          { length: 20 },
          (_, n) => `a${n}: &a${n} [${n === 0 ? "x" : `*a${n - 1}, *a${n - 1}`}]`,
        ).join("\n"),
      ),
      400,
    ],
    [
      "YAML whose aliases make it large",
      "yaml",
      Buffer.from(`a: &a ${"x".repeat(bodyLimitBytes / 20)}\nb: [${"*a, ".repeat(50)}]`),
      413,
    ],
    [
      "a number of 11 bytes",
      "vnd.kubernetes.protobuf",
      Buffer.from("k8s\0\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "latin1"),
      400,
    ],
    [
      "a length beyond the end",
      "vnd.kubernetes.protobuf",
      Buffer.from("k8s\0\x0a\xff\xff\xff\xff\x0f", "latin1"),
      400,
    ],
    [
      "text that is no UTF-8",
      "vnd.kubernetes.protobuf",
      envelope("v1", "Pod", field(1, field(1, Buffer.from([0xff])))),
      400,
    ],
    [
      "a time that there is not",
      "vnd.kubernetes.protobuf",
      envelope(
        "v1",
        "Pod",
        field(1, field(8, Buffer.from("\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "latin1"))),
      ),
      400,
    ],
    [
      "messages that are very deep",
      "vnd.kubernetes.protobuf",
      envelope(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        field(2, field(7, field(4, field(1, schema(3000))))),
      ),
      400,
    ],
  ];
  for (const [what, type, bytes, code] of spoilt) {
    it(`with ${what} is refused with ${code}`, () => {
      assert.throws(() => decodeBody("POST", `application/${type}`, bytes), refusedWith(code));
    });
  }

  it("may have a map with very many keys", () => {
    const lines = Array.from({ length: 5000 }, (_, n) => `key${n}: ${n}`).join("\n");
    const { body } = decodeBody("POST", "application/yaml", Buffer.from(lines));
    assert.equal(Object.keys(body as object).length, 5000);
  });

  it("may have many negative numbers in a line of YAML", () => {
    const { body } = decodeBody("POST", "application/yaml", Buffer.from(`a: [${"-5, ".repeat(300)}]`));
    assert.equal((body as { a: number[] }).a.length, 300);
  });
});
