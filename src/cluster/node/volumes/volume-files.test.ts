import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pod } from "../../../api/core.ts";
import type { Volume } from "../../../api/volumes.ts";
import { instant } from "../../../time/clock.ts";
import { filesOf, objectsOf, type VolumeSources } from "./volume-files.ts";

const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "web",
    namespace: "shop",
    labels: { tier: "x", app: "web" },
    annotations: { note: 'say "hi"\nthere' },
  },
  spec: {
    containers: [{ name: "main", resources: { limits: { cpu: "500m" }, requests: { memory: "65Mi" } } }],
  },
};
const objects: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "configmap/cfg": { "a.conf": "alpha", "b.conf": "beta" },
  "secret/sec": { pass: "hunter2" },
};
const sources: VolumeSources = {
  pod,
  hostIp: "127.0.0.1",
  podIp: "",
  async data(kind, name) {
    const found = objects[`${kind}/${name}`];
    return found && new Map(Object.entries(found).map(([key, text]) => [key, Buffer.from(text)]));
  },
  async token(audience, expirationSeconds) {
    return { text: `token for ${audience} of ${expirationSeconds}`, renewAt: instant(7) };
  },
};

async function texts(volume: Omit<Volume, "name">) {
  const { files } = await filesOf({ name: "v", ...volume }, sources);
  return Object.fromEntries(
    [...files].map(([path, { content, mode }]) => [path, `${mode.toString(8)} ${Buffer.from(content)}`]),
  );
}

describe("what a volume holds", () => {
  it("is all of a ConfigMap, or the items that are named, with a mode each", async () => {
    assert.deepEqual(await texts({ configMap: { name: "cfg" } }), {
      "a.conf": "644 alpha",
      "b.conf": "644 beta",
    });
    const items = [
      { key: "a.conf", path: "sub/a", mode: 0o600 },
      { key: "b.conf", path: "b" },
    ];
    assert.deepEqual(await texts({ configMap: { name: "cfg", items, defaultMode: 0o400 } }), {
      "sub/a": "600 alpha",
      b: "400 beta",
    });
  });

  it("is put together of all its sources, and says when it is to be made anew", async () => {
    const volume: Volume = {
      name: "all",
      projected: {
        sources: [
          { configMap: { name: "cfg", items: [{ key: "a.conf", path: "a" }] } },
          { secret: { name: "sec" } },
          { secret: { name: "absent", optional: true } },
          { serviceAccountToken: { path: "token", audience: "api", expirationSeconds: 600 } },
          { downwardAPI: { items: [{ path: "ns", fieldRef: { fieldPath: "metadata.namespace" } }] } },
        ],
      },
    };
    assert.deepEqual(await texts(volume), {
      a: "644 alpha",
      pass: "644 hunter2",
      token: "644 token for api of 600",
      ns: "644 shop",
    });
    assert.equal((await filesOf(volume, sources)).renewAt, 7);
    assert.deepEqual(objectsOf(volume), ["configmap/cfg", "secret/sec", "secret/absent"]);
  });

  it("says of the pod what a real kubelet says", async () => {
    const field = (path: string, fieldPath: string) => ({ path, fieldRef: { fieldPath } });
    const resource = (path: string, name: string, divisor: string) => ({
      path,
      resourceFieldRef: { containerName: "main", resource: name, divisor },
    });
    const items = [
      field("labels", "metadata.labels"),
      field("annotations", "metadata.annotations"),
      field("app", "metadata.labels['app']"),
      resource("cpu", "limits.cpu", "1m"),
      resource("cores", "limits.cpu", "1"),
      resource("memory", "requests.memory", "1Mi"),
      resource("none", "requests.cpu", "1"),
    ];
    // Taken from files of a pod on Kubernetes 1.34.
    assert.deepEqual(await texts({ downwardAPI: { items } }), {
      labels: '644 app="web"\ntier="x"',
      annotations: '644 note="say \\"hi\\"\\nthere"',
      app: "644 web",
      cpu: "644 500",
      cores: "644 1",
      memory: "644 65",
      none: "644 0",
    });
  });

  for (const [what, volume, message] of [
    ["a ConfigMap that is not there", { configMap: { name: "no" } }, 'configmap "no" not found'],
    ["a Secret that is not there", { secret: { secretName: "no" } }, 'secret "no" not found'],
    [
      "a key that is not there",
      { secret: { secretName: "sec", items: [{ key: "user", path: "u" }] } },
      "references non-existent secret key: user",
    ],
    [
      "a field that nobody knows",
      { downwardAPI: { items: [{ path: "x", fieldRef: { fieldPath: "spec.hostname" } }] } },
      "the file x asks for spec.hostname, which is not known",
    ],
  ] as const) {
    it(`is not made for ${what}`, async () => {
      await assert.rejects(texts(volume), { name: "VolumeError", volume: "v", message });
    });
  }
});
