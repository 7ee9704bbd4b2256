// What a real kube-apiserver v1.34.4 makes of the same pods.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pod, PodSpec } from "../../../../api/core.ts";
import { startApi } from "../../api-server.fixture.ts";

const path = "/var/run/secrets/kubernetes.io/serviceaccount";
const container = { name: "c", image: "x" };
const ownMount = { name: "own", mountPath: path };
const own = { name: "own", emptyDir: {} };
const accounts = "/api/v1/namespaces/default/serviceaccounts";

async function created(spec: object, account?: object): Promise<PodSpec & Record<string, unknown>> {
  const api = startApi();
  if (account !== undefined) assert.equal((await api.post(accounts, account)).code, 201);
  const { code, body } = await api.post("/api/v1/namespaces/default/pods", {
    metadata: { name: "a" },
    spec: { containers: [container], ...spec },
  });
  assert.equal(code, 201, JSON.stringify(body));
  return (body as Pod).spec as PodSpec & Record<string, unknown>;
}

const mountsOf = ({ containers, initContainers = [] }: PodSpec) =>
  [...initContainers, ...containers].map(({ volumeMounts = [] }) => volumeMounts);

describe("the ServiceAccount of a new pod", () => {
  it("is the default one, and its token, the authority and the namespace are mounted in every container", async () => {
    const spec = await created({
      initContainers: [
        { ...container, name: "i" },
        { ...container, name: "m", volumeMounts: [ownMount] },
      ],
      containers: [{ ...container, volumeMounts: [{ name: "own", mountPath: "/x" }] }],
      volumes: [own],
    });
    assert.deepEqual([spec.serviceAccountName, spec["serviceAccount"]], ["default", "default"]);
    const [, access] = spec.volumes ?? [];
    assert.match(access?.name ?? "", /^kube-api-access-[a-z0-9]{5}$/);
    assert.deepEqual(access?.projected, {
      defaultMode: 420,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
        { configMap: { items: [{ key: "ca.crt", path: "ca.crt" }], name: "kube-root-ca.crt" } },
        {
          downwardAPI: {
            items: [{ fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" }, path: "namespace" }],
          },
        },
      ],
    });
    const mount = { name: access?.name, mountPath: path, readOnly: true };
    assert.deepEqual(mountsOf(spec), [[mount], [ownMount], [{ name: "own", mountPath: "/x" }, mount]]);
  });

  it("brings nothing where a pod wants no token, its account says so, or all containers bring their own", async () => {
    const quiet = { metadata: { name: "quiet" }, automountServiceAccountToken: false };
    const without = [
      await created({ automountServiceAccountToken: false }),
      await created({ serviceAccountName: "quiet" }, quiet),
    ];
    for (const spec of without) assert.deepEqual([spec.volumes, mountsOf(spec)], [undefined, [[]]]);
    const brings = await created({
      containers: [{ ...container, volumeMounts: [ownMount] }],
      volumes: [own],
    });
    assert.deepEqual([brings.volumes, mountsOf(brings)], [[own], [[ownMount]]]);
    const wants = await created({ serviceAccountName: "quiet", automountServiceAccountToken: true }, quiet);
    assert.equal(wants.volumes?.length, 1);
  });

  it("is mounted from a volume of the pod that has the prefix of such volumes", async () => {
    const volume = { name: "kube-api-access-mine", emptyDir: {} };
    const spec = await created({ volumes: [volume] });
    assert.deepEqual(spec.volumes, [volume]);
    assert.deepEqual(mountsOf(spec), [[{ name: volume.name, mountPath: path, readOnly: true }]]);
  });

  it("gives its secrets to pull images with to a pod that names none", async () => {
    const account = { metadata: { name: "robot" }, imagePullSecrets: [{ name: "s1" }, { name: "s2" }] };
    const given = await created({ serviceAccountName: "robot" }, account);
    assert.deepEqual(given["imagePullSecrets"], account.imagePullSecrets);
    const imagePullSecrets = [{ name: "own" }];
    const named = await created({ serviceAccountName: "robot", imagePullSecrets }, account);
    assert.deepEqual(named["imagePullSecrets"], imagePullSecrets);
  });

  it("can be named by the old field, and must be there", async () => {
    assert.equal((await created({ serviceAccount: "default" })).serviceAccountName, "default");
    const { code, body } = await startApi().post("/api/v1/namespaces/default/pods", {
      metadata: { name: "b" },
      spec: { serviceAccount: "nobody", containers: [container] },
    });
    assert.equal(code, 403);
    assert.deepEqual(body, {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message:
        'pods "b" is forbidden: error looking up service account default/nobody: serviceaccount "nobody" not found',
      reason: "Forbidden",
      details: { name: "b", kind: "pods" },
      code: 403,
    });
  });
});
