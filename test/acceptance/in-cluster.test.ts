// A program in a pod asks the API with what every pod has: its token, the authority's certificate and two variables.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Pod, Service } from "../../src/api/core.ts";
import { resources } from "../../src/api/resources.ts";
import { KubernetesClient } from "../../src/kubernetes/client.ts";
import { transportFor } from "../../src/kubernetes/kubeconfig.ts";
import { WatchCache } from "../../src/kubernetes/watch-cache.ts";
import { SystemClock } from "../../src/time/system-clock.ts";
import { freePort, TealProcess, teal } from "./teal-process.ts";

const folder = mkdtempSync(join(tmpdir(), "teal-in-cluster-"));
const clock = new SystemClock();
const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
const image = "docker.io/atulinfracloud/weathersample:v1";

/** Lists the pods of its namespace; what comes of it is its exit code, and how it was reached its last word. */
const program = `
const { readFileSync } = require("node:fs");
const folder = "/var/run/secrets/kubernetes.io/serviceaccount/";
const read = (name) => readFileSync((process.env.TEAL_ROOT ?? "") + folder + name, "utf8");
const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
const headers = { authorization: "Bearer " + read("token") };
const path = "/api/v1/namespaces/" + read("namespace") + "/pods";
require("node:https").get({ host, port, path, headers, ca: read("ca.crt"), agent: false }, (answer) => {
  require("node:fs").writeFileSync((process.env.TEAL_ROOT ?? "") + "/dev/termination-log", host + ":" + port);
  process.exitCode = answer.statusCode - 200;
  answer.resume();
});
`;

let client: KubernetesClient;
let up: TealProcess;

before(async () => {
  up = new TealProcess(["up", "--authorization", "rbac", "--port", String(await freePort())], folder);
  await up.shown(/The cluster is up/);
  client = new KubernetesClient(
    transportFor({ kubeconfig: join(folder, ".teal/kubeconfig"), clock }).transport,
    "test",
  );
});
after(async () => {
  await up.interrupt();
  await teal(folder, "down");
  rmSync(folder, { recursive: true });
});

/** How the only container of a new pod with that program has ended. */
async function ending(name: string) {
  const command = [process.execPath, "-e", program];
  const pod: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default" },
    spec: { restartPolicy: "Never", containers: [{ name: "main", image, command }] },
  };
  await client.create<Pod>(resources.pods, "default", pod);
  const cache = new WatchCache<Pod>({ client, clock, resource: resources.pods, onProblem: () => {} });
  const { promise, resolve } = Promise.withResolvers<Pod>();
  cache.subscribe(({ object }) => {
    const isOver = object.status?.phase === "Succeeded" || object.status?.phase === "Failed";
    if (object.metadata.name === name && isOver) resolve(object);
  });
  cache.start();
  const { status } = await promise;
  cache.stop();
  return status?.containerStatuses?.[0]?.state?.terminated;
}

describe("a pod that asks the API server", () => {
  it("is answered as its ServiceAccount, which may what a role lets it", async () => {
    const forbidden = await ending("before");
    assert.equal(forbidden?.exitCode, 203, JSON.stringify(forbidden));
    for (const [kind, body] of [
      ["roles", { rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["list"] }] }],
      [
        "rolebindings",
        {
          roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "pods" },
          subjects: [{ kind: "ServiceAccount", name: "default", namespace: "default" }],
        },
      ],
    ] as const)
      await client.raw({
        method: "POST",
        path: `${rbac}/${kind}`,
        body: { metadata: { name: "pods" }, ...body },
      });
    const allowed = await ending("after");
    assert.equal(allowed?.exitCode, 0, JSON.stringify(allowed));
    const { spec } = await client.get<Service>(resources.services, "default", "kubernetes");
    // Others may not listen on such a port, and pods are led past it.
    if (process.platform === "linux" && process.getuid?.() === 0)
      assert.equal(allowed.message, `${spec.clusterIP}:443`);
  });
});
