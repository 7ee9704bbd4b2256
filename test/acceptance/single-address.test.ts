import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, describe, it } from "node:test";

const folder = mkdtempSync(join(tmpdir(), "teal-single-"));
const inNetworkOfItsOwn = ["-r", "-n", "sh", "-c"];
const mayHaveOne = spawnSync("unshare", [...inNetworkOfItsOwn, "ip link set lo up"]).status === 0;

writeFileSync(
  join(folder, "web.yaml"),
  `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 8088, targetPort: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
    - {name: web, image: "docker.io/atulinfracloud/weathersample:v1", ports: [{containerPort: 8080}]}
`,
);

// As on macOS and in some containers: 127.0.0.1 is there, and none of the millions beside it.
const script = `
ip link set lo up && ip addr del 127.0.0.1/8 dev lo && ip addr add 127.0.0.1/32 dev lo || exit 1
${resolve("bin/teal")} up --background && ${resolve("bin/teal")} apply -f web.yaml || exit 1
trap "${resolve("bin/teal")} down" EXIT
for second in $(seq 60); do
  node -e 'fetch("http://127.0.0.1:8088/").then((answer) => { console.log("answered", answer.status); process.exit(0); }, () => process.exit(1))' && exit 0
  sleep 1
done
exit 1
`;

describe("a machine with one loopback address", {
  skip: mayHaveOne ? false : "needs unshare and ip of Linux",
}, () => {
  after(() => rmSync(folder, { recursive: true }));

  it("runs a cluster on it, without being told", () => {
    const { KUBECONFIG: _, ...env } = process.env;
    const path = `${resolve("node_modules/.bin")}:${env["PATH"]}`;
    const { stdout, stderr, status } = spawnSync("unshare", [...inNetworkOfItsOwn, script], {
      cwd: folder,
      env: { ...env, HOME: folder, PATH: path },
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    assert.match(stdout + stderr, /this machine has no loopback address but 127\.0\.0\.1/);
    assert.match(stdout, /answered 200/);
  });
});
