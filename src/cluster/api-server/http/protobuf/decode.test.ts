import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeProtobuf } from "./decode.ts";
import { kindsWithProtobuf, messageNamed, messageOfKind } from "./field-tables.ts";
import { ProtobufError } from "./wire-reader.ts";

const varint = (value: bigint | number): number[] => {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
};
type Bytes = string | readonly number[];
const raw = (value: Bytes) => (typeof value === "string" ? [...Buffer.from(value)] : value);
const part = (number: number, value: Bytes) => [
  ...varint((number << 3) | 2),
  ...varint(raw(value).length),
  ...raw(value),
];
const int = (number: number, value: bigint | number) => [...varint(number << 3), ...varint(value)];
const double = (number: number, value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return [...varint((number << 3) | 1), ...bytes];
};
const body = (apiVersion: string, kind: string, message: readonly number[]) =>
  Uint8Array.from([
    ...raw("k8s\0"),
    ...part(1, [...part(1, apiVersion), ...part(2, kind)]),
    ...part(2, message),
    ...part(3, ""),
    ...part(4, ""),
  ]);

describe("decodeProtobuf", () => {
  it("reads a Secret: bytes as base64, maps, zero values left out, status of the wire kept", () => {
    const metadata = [
      ...part(1, "s"),
      ...part(2, ""),
      ...part(8, []),
      ...part(11, [...part(1, "app"), ...part(2, "web")]),
    ];
    const secret = [
      ...part(1, metadata),
      ...part(2, [...part(1, "password"), ...part(2, "hunter2")]),
      ...part(2, [...part(1, "empty")]),
      ...part(3, "Opaque"),
      ...int(5, 0),
    ];
    assert.deepEqual(decodeProtobuf(body("v1", "Secret", secret)), {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s", labels: { app: "web" } },
      data: { password: Buffer.from("hunter2").toString("base64"), empty: "" },
      type: "Opaque",
      immutable: false,
    });
  });

  it("puts the fields of inline messages into the parent, and reads numbers, names and quantities", () => {
    const httpGet = [...part(1, "/ready"), ...part(2, [...int(1, 1), ...int(2, 0), ...part(3, "http")])];
    const probe = [...part(1, part(2, httpGet)), ...int(2, 5), ...int(3, 0)];
    const resources = part(1, [...part(1, "cpu"), ...part(2, part(1, "250m"))]);
    const volume = [...part(1, "data"), ...part(2, part(2, part(1, "Memory")))];
    const container = [...part(1, "web"), ...part(2, "web:1"), ...part(8, resources), ...part(11, probe)];
    const pod = part(2, [...part(1, volume), ...part(2, container), ...int(5, -1)]);
    const decoded = decodeProtobuf(body("v1", "Pod", pod));
    assert.deepEqual(decoded.spec, {
      volumes: [{ name: "data", emptyDir: { medium: "Memory" } }],
      containers: [
        {
          name: "web",
          image: "web:1",
          resources: { limits: { cpu: "250m" } },
          readinessProbe: { httpGet: { path: "/ready", port: "http" }, initialDelaySeconds: 5 },
        },
      ],
      activeDeadlineSeconds: -1,
    });
    assert.deepEqual(decoded.metadata, {});
    assert.deepEqual(decoded.status, {});
  });

  it("reads times to the second and micro times to the microsecond, and leaves zero times out", () => {
    const at = Date.UTC(2026, 10, 21, 12, 0, 1) / 1000;
    const micro = [...int(1, at), ...int(2, 42_000)];
    const spec = [...part(1, "me"), ...part(3, micro), ...part(4, [])];
    const metadata = [...part(1, "l"), ...part(8, int(1, at))];
    const lease = decodeProtobuf(
      body("coordination.k8s.io/v1", "Lease", [...part(1, metadata), ...part(2, spec)]),
    );
    assert.deepEqual(lease.metadata, { name: "l", creationTimestamp: "2026-11-21T12:00:01Z" });
    assert.deepEqual(lease.spec, { holderIdentity: "me", acquireTime: "2026-11-21T12:00:01.000042Z" });
  });

  it("reads DeleteOptions whatever apiVersion they are sent with", () => {
    const options = [...int(1, 0), ...part(2, part(1, "u-1")), ...part(4, "Foreground"), ...part(5, "All")];
    assert.deepEqual(decodeProtobuf(body("apps/v1", "DeleteOptions", options)), {
      apiVersion: "apps/v1",
      kind: "DeleteOptions",
      gracePeriodSeconds: 0,
      preconditions: { uid: "u-1" },
      propagationPolicy: "Foreground",
      dryRun: ["All"],
    });
  });

  it("reads a CRD schema with its own JSON forms", () => {
    const fieldNumber = (message: string, name: string): number => {
      for (const [number, field] of messageNamed(message)?.byNumber ?? [])
        if (field.name === name) return number;
      throw new Error(`${message} has no ${name}`);
    };
    const props = "v1.JSONSchemaProps";
    const named = messageNamed(props) === undefined ? "apiextensions.v1.JSONSchemaProps" : props;
    const at = (name: string) => fieldNumber(named, name);
    const schema = [
      ...part(at("type"), "object"),
      ...double(at("maximum"), 1.5),
      ...part(at("default"), part(1, '{"a":[1,null]}')),
      ...part(at("items"), part(1, part(at("type"), "string"))),
      ...part(at("additionalProperties"), int(1, 1)),
    ];
    const version = part(4, part(1, schema));
    const crd = body("apiextensions.k8s.io/v1", "CustomResourceDefinition", part(2, part(7, version)));
    const [only] = (decodeProtobuf(crd).spec as { versions: { schema: { openAPIV3Schema: unknown } }[] })
      .versions;
    assert.deepEqual(only?.schema.openAPIV3Schema, {
      type: "object",
      maximum: 1.5,
      default: { a: [1, null] },
      items: { type: "string" },
      additionalProperties: true,
    });
  });

  it("skips fields that it does not know", () => {
    const unknown = [...int(90, 7), ...part(91, "x"), ...double(92, 1), ...varint((93 << 3) | 5), 0, 0, 0, 0];
    const decoded = decodeProtobuf(body("v1", "ConfigMap", [...unknown, ...part(1, part(1, "c"))]));
    assert.deepEqual(decoded, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" } });
  });

  it("keeps a data key named __proto__ as a key", () => {
    const decoded = decodeProtobuf(
      body("v1", "ConfigMap", part(2, [...part(1, "__proto__"), ...part(2, "x")])),
    );
    assert.equal(JSON.stringify(decoded.data), '{"__proto__":"x"}');
  });

  it("refuses bytes that are damaged, of another form or of a kind without protobuf", () => {
    const refused = (bytes: Uint8Array, message: RegExp) =>
      assert.throws(
        () => decodeProtobuf(bytes),
        (error) => error instanceof ProtobufError && message.test(error.message),
      );
    refused(Uint8Array.from(raw("{}")), /expected prefix/);
    refused(body("example.com/v1", "Widget", []), /no protobuf form/);
    // So that whoever is asked for it can say that it is not offered here.
    assert.deepEqual(decodeProtobuf(body("networking.k8s.io/v1", "IPAddress", [])), {
      kind: "IPAddress",
      apiVersion: "networking.k8s.io/v1",
    });
    refused(body("v1", "ConfigMap", part(1, [...varint(10), 99])), /ends inside/);
    refused(body("v1", "ConfigMap", int(1, 1)), /wire type/);
    refused(body("v1", "ConfigMap", [0xff]), /ends inside a number/);
  });

  it("has a table for every message that a table refers to", () => {
    const scalars = new Set(["string", "bytes", "bool", "int32", "int64", "double"]);
    const seen = new Set<string>();
    const walk = (name: string): void => {
      if (scalars.has(name) || seen.has(name)) return;
      seen.add(name);
      const message = messageNamed(name);
      assert.ok(message, name);
      for (const field of message.fields) walk(field.type);
    };
    for (const entry of kindsWithProtobuf) {
      const [apiVersion, kind] = entry.includes(" ") ? entry.split(" ") : ["v1", entry];
      const message = messageOfKind(apiVersion ?? "", kind ?? "");
      assert.ok(message, entry);
      walk(message.name);
    }
    assert.ok(seen.size > 200, `${seen.size} messages`);
  });
});
