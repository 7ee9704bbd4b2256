import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ApiServer } from "../../src/cluster/api-server/api-server.ts";
import { type HttpServer, start } from "../../src/cluster/api-server/http/http-server.ts";
import { writeKubeconfig } from "../../src/cluster/api-server/http/kubeconfig.ts";
import { accessOf, loadPki } from "../../src/cluster/api-server/http/pki.ts";
import { Store } from "../../src/cluster/store/store.ts";
import { SystemClock } from "../../src/time/system-clock.ts";
import { kubectlBinary } from "./kubectl-binary.ts";
import { freeAddresses } from "./teal-process.ts";

const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList, shortNames: [wd], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}
    additionalPrinterColumns:
    - {name: Replicas, type: integer, jsonPath: .spec.replicas}
    - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
    - {name: Color, type: string, jsonPath: .spec.color, priority: 1}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            description: What is wished for.
            properties:
              replicas: {type: integer, default: 1}
              color: {type: string, description: As people see it.}
          status:
            type: object
            x-kubernetes-preserve-unknown-fields: true
`;
const objects = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop, labels: {app: web}}
data: {a: "1"}
---
apiVersion: v1
kind: Secret
metadata: {name: password, namespace: shop}
data: {p: aHVudGVyMg==}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: [{port: 80, targetPort: http}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "web:1", ports: [{name: http, containerPort: 80}], resources: {limits: {cpu: 250m}}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: side, namespace: shop, labels: {app: side}}
spec:
  replicas: 1
  selector: {matchLabels: {app: side}}
  template:
    metadata: {labels: {app: side}}
    spec: {containers: [{name: web, image: "web:1"}]}
`;
const widget = (color: string) => `
apiVersion: example.com/v1
kind: Widget
metadata: {name: w1, namespace: shop}
spec: {replicas: 3, color: ${color}}
`;
const event = (uid: string) => `
apiVersion: v1
kind: Event
metadata: {name: web.1, namespace: shop}
involvedObject: {kind: Deployment, name: web, namespace: shop, apiVersion: apps/v1, uid: ${uid}}
reason: Tested
message: it was tested
type: Normal
count: 3
firstTimestamp: "2026-01-01T00:00:00Z"
lastTimestamp: "2026-01-01T00:00:00Z"
source: {component: test}
`;

interface Result {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

const binary = kubectlBinary();
const skip = "missingBecause" in binary ? `NOT TESTED WITH KUBECTL: ${binary.missingBecause}` : false;
if (skip !== false) console.warn(skip);

describe("the real kubectl", { skip, timeout: 120_000 }, () => {
  const clock = new SystemClock();
  const problems: string[] = [];
  let folder = "";
  let server: HttpServer;
  let apiServer: ApiServer;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "teal-kubectl-"));
    await mkdir(join(folder, "home"));
    const store = new Store();
    const pki = await loadPki(join(folder, "pki"), clock.now());
    apiServer = new ApiServer({ store, clock, addresses: await freeAddresses(), access: accessOf(pki) });
    server = await start({ apiServer, pki, clock, port: 0, onProblem: (text) => problems.push(text) });
    await writeKubeconfig(join(folder, "kubeconfig"), server.url, pki);
  });
  after(async () => {
    await server.close();
    apiServer.close();
    await rm(folder, { recursive: true });
  });

  const program = "path" in binary ? binary.path : "";
  const everyTime = () => [
    "--kubeconfig",
    join(folder, "kubeconfig"),
    "--cache-dir",
    join(folder, "home", "cache"),
  ];
  const environment = () => ({ HOME: join(folder, "home"), TMPDIR: folder, PATH: process.env.PATH });

  async function run(args: readonly string[], input = ""): Promise<Result> {
    const { promise, resolve } = Promise.withResolvers<Result>();
    const options = { env: environment(), timeout: 30_000 };
    const child = execFile(program, [...everyTime(), ...args], options, (error, output, errors) =>
      resolve({ code: error === null ? 0 : Number(error.code), output, errors }),
    );
    child.stdin?.end(input);
    return promise;
  }

  /** Runs a command line that has to succeed, and gives what it prints. */
  async function kubectl(line: string, input = ""): Promise<string> {
    const { code, output, errors } = await run(line.split(" "), input);
    assert.equal(code, 0, `kubectl ${line}: ${errors}`);
    return output;
  }

  /** The cells of what a command prints as a table, with ages as `AGE`. */
  async function table(line: string): Promise<readonly string[][]> {
    const lines = (await kubectl(line)).trimEnd().split("\n");
    return lines.map((text) =>
      text.split(/ {2,}/).map((cell) => (/^\d+[smhdy]/.test(cell) ? "AGE" : cell.trim())),
    );
  }

  it("knows the server", async () => assert.match(await kubectl("version"), /Server Version: v1\.34\./));

  it("says what is missing when a definition is", async () => {
    const { code, errors } = await run(["apply", "-f", "-"], widget("blue"));
    assert.equal(code, 1);
    assert.match(
      errors,
      /no matches for kind "Widget" in version "example.com\/v1"\s+ensure CRDs are installed first/,
    );
  });

  it("applies objects of many kinds, and finds nothing to do the second time", async () => {
    const all = [definition, objects].join("---");
    const names = [
      "customresourcedefinition.apiextensions.k8s.io/widgets.example.com",
      "namespace/shop",
      "configmap/settings",
      "secret/password",
      "service/web",
      "deployment.apps/web",
      "replicaset.apps/side",
    ];
    assert.deepEqual(
      (await kubectl("apply -f -", all)).trim().split("\n"),
      names.map((name) => `${name} created`),
    );
    assert.deepEqual(
      (await kubectl("apply -f -", all)).trim().split("\n"),
      names.map((name) => `${name} unchanged`),
    );
    assert.equal(await kubectl("apply -f -", widget("blue")), "widget.example.com/w1 created\n");
    assert.equal(await kubectl("apply -f -", widget("blue")), "widget.example.com/w1 unchanged\n");
    assert.equal(await kubectl("apply -f -", widget("red")), "widget.example.com/w1 configured\n");
  });

  it("lists what there is to work with", async () => {
    const [, ...rows] = await table("api-resources --sort-by=name --no-headers=false");
    const row = (name: string) => rows.find(([first]) => first === name);
    assert.deepEqual(row("deployments"), ["deployments", "deploy", "apps/v1", "true", "Deployment"]);
    assert.deepEqual(row("widgets"), ["widgets", "wd", "example.com/v1", "true", "Widget"]);
    assert.match(await kubectl("api-resources --categories=all -o name"), /widgets.example.com/);
  });

  it("prints tables, wide ones, by label, of all namespaces and sorted", async () => {
    assert.deepEqual(await table("get deployments -n shop -o wide"), [
      ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "CONTAINERS", "IMAGES", "SELECTOR"],
      ["web", "0/2", "0", "0", "AGE", "web", "web:1", "app=web"],
    ]);
    // The widget is not known to be ready, which leaves a gap.
    assert.deepEqual(await table("get wd -n shop -o wide"), [
      ["NAME", "REPLICAS", "READY", "COLOR", "AGE"],
      ["w1", "3", "red", "AGE"],
    ]);
    const [, service] = await table("get service -l app=web -A");
    assert.deepEqual(service?.slice(0, 3), ["shop", "web", "LoadBalancer"]);
    assert.match(service?.at(-2) ?? "", /^80:3\d{4}\/TCP$/);
    assert.match((await run(["get", "svc", "-n", "shop", "-l", "app in (x)"])).errors, /No resources found/);
    const byName = (await table("get namespaces --sort-by=.metadata.name --no-headers")).map(
      ([name]) => name,
    );
    assert.deepEqual(byName, ["default", "kube-node-lease", "kube-public", "kube-system", "shop"]);
    assert.match(
      await kubectl("get all -n shop"),
      /deployment.apps\/web[\s\S]*replicaset.apps\/side[\s\S]*widget.example.com\/w1/,
    );
  });

  it("prints objects as YAML and by path", async () => {
    assert.match(
      await kubectl("get configmap settings -n shop -o yaml"),
      /^apiVersion: v1\ndata:\n {2}a: "1"\nkind: ConfigMap\n/,
    );
    assert.equal(await kubectl("get configmap settings -n shop -o jsonpath={.data.a}"), "1");
    assert.equal(await kubectl("get widgets -A -o name"), "widget.example.com/w1\n");
    assert.match(
      (await run(["get", "configmap", "nothing"])).errors,
      /Error from server \(NotFound\): configmaps "nothing" not found/,
    );
  });

  it("describes and explains", async () => {
    const described = await kubectl("describe deployment web -n shop");
    assert.match(described, /Replicas: +2 desired \| 0 updated/);
    assert.match(described, /RollingUpdateStrategy: +25% max unavailable, 25% max surge/);
    assert.match(await kubectl("describe widget w1 -n shop"), /Spec:\n +Color: +red\n +Replicas: +3/);
    assert.match(await kubectl("describe service web -n shop"), /Selector: +app=web/);
    assert.match(
      await kubectl("explain widget.spec"),
      /color\t<string>\n +As people see it\.[\s\S]*replicas\t<integer>/,
    );
    assert.match(
      await kubectl("explain deployment.spec.strategy"),
      /rollingUpdate\t<RollingUpdateDeployment>/,
    );
    assert.match(await kubectl("explain pods --recursive"), /terminationGracePeriodSeconds/);
  });

  it("patches in all three ways, and the status apart from the rest", async () => {
    const patch = async (what: string, type: string, body: object, ...more: string[]) => {
      const { code, errors } = await run([
        "patch",
        ...what.split(" "),
        "-n",
        "shop",
        `--type=${type}`,
        "-p",
        JSON.stringify(body),
        ...more,
      ]);
      assert.equal(code, 0, errors);
    };
    await patch("widget w1", "merge", { spec: { color: "green" } });
    await patch("widget w1", "json", [{ op: "replace", path: "/spec/replicas", value: 5 }]);
    await patch("deployment web", "strategic", {
      spec: { template: { spec: { containers: [{ name: "web", image: "web:2" }] } } },
    });
    await patch(
      "widget w1",
      "merge",
      { status: { conditions: [{ type: "Ready", status: "True" }] } },
      "--subresource=status",
    );
    assert.deepEqual((await table("get wd -n shop -o wide"))[1], ["w1", "5", "True", "green", "AGE"]);
    const container =
      "jsonpath={.spec.template.spec.containers[*].image}{.spec.template.spec.containers[*].ports[*].containerPort}";
    assert.equal(await kubectl(`get deployment web -n shop -o ${container}`), "web:280");
    const refused = await run(["patch", "widget", "w1", "-n", "shop", "-p", "{}", "--type=strategic"]);
    assert.match(refused.errors, /is not supported by example.com\/v1, Kind=Widget/);
  });

  it("applies on the server's side, and tells whose fields are in the way", async () => {
    const own = ["apply", "--server-side", "--field-manager=one", "-f", "-"];
    const other = ["apply", "--server-side", "--field-manager=two", "-f", "-"];
    const sized = (replicas: number) =>
      JSON.stringify({
        apiVersion: "example.com/v1",
        kind: "Widget",
        metadata: { name: "owned", namespace: "shop" },
        spec: { replicas },
      });
    assert.match((await run(own, sized(1))).output, /owned serverside-applied/);
    const refused = await run(other, sized(2));
    assert.notEqual(refused.code, 0);
    assert.match(refused.errors, /conflict with "one": \.spec\.replicas/);
    assert.match((await run([...other, "--force-conflicts"], sized(2))).output, /owned serverside-applied/);
    assert.equal(await kubectl("get widget owned -n shop -o jsonpath={.spec.replicas}"), "2");
    await kubectl("delete widget owned -n shop");
  });

  it("waits for conditions and values", async () => {
    assert.match(
      await kubectl("wait widget/w1 -n shop --for=condition=Ready --timeout=10s"),
      /condition met/,
    );
    assert.match(
      await kubectl("wait widget/w1 -n shop --for=jsonpath={.spec.color}=green --timeout=10s"),
      /condition met/,
    );
  });

  it("labels, annotates and scales", async () => {
    await kubectl("label configmap settings -n shop tier=front");
    await kubectl("annotate configmap settings -n shop note=hello");
    assert.equal(
      await kubectl("get cm -l tier=front -A -o jsonpath={.items[*].metadata.annotations.note}"),
      "hello",
    );
    await kubectl("scale deployment web -n shop --replicas=4");
    await kubectl("scale widget w1 -n shop --replicas=7");
    assert.equal(await kubectl("get deployment web -n shop -o jsonpath={.spec.replicas}"), "4");
    assert.equal(await kubectl("get widget w1 -n shop -o jsonpath={.spec.replicas}"), "7");
    await kubectl("set image replicaset/side web=web:3 -n shop");
    assert.equal((await table("get rs side -n shop -o wide"))[1]?.at(-2), "web:3");
  });

  it("creates by command, which sends protobuf", async () => {
    await kubectl("create namespace made");
    await kubectl("create configmap c1 -n made --from-literal=k=v");
    await kubectl("create secret generic s1 -n made --from-literal=k=v");
    await kubectl("create serviceaccount a1 -n made");
    await kubectl("create service clusterip v1 -n made --tcp=80:8080");
    await kubectl("create deployment d1 -n made --image=web:1 --replicas=2 --port=80");
    await kubectl("run p1 -n made --image=web:1 --env=A=b");
    const value = (what: string, path: string) => kubectl(`get ${what} -n made -o jsonpath={${path}}`);
    assert.equal(await value("configmap/c1", ".data.k"), "v");
    assert.equal(await value("secret/s1", ".data.k"), "dg==");
    assert.equal(await value("service/v1", ".spec.ports[0].targetPort"), "8080");
    assert.equal(
      await value("deployment/d1", ".spec.template.spec.containers[0].ports[0].containerPort"),
      "80",
    );
    assert.equal(await value("deployment/d1", ".spec.replicas"), "2");
    assert.equal(await value("pod/p1", ".spec.containers[0].env[0].value"), "b");
    assert.deepEqual((await table("get pods -n made"))[1], ["p1", "0/1", "Pending", "0", "AGE"]);
    assert.equal(await kubectl("logs p1 -n made"), "");
  });

  it("refuses fields that are not there, with their paths", async () => {
    const typo = objects
      .split("---")
      .find((text) => text.includes("Deployment"))
      ?.replace("replicas:", "replcas:")
      .replace("web:1", "web:1, imge: x")
      .replace("name: web,", "name: bad,");
    const { code, errors } = await run(["apply", "-f", "-"], typo);
    assert.equal(code, 1);
    assert.match(
      errors,
      /Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replcas"/,
    );
  });

  it("shows what an apply would change", async () => {
    assert.equal((await run(["diff", "-f", "-"], definition)).code, 0);
    const { code, output } = await run(["diff", "-f", "-"], widget("white"));
    assert.equal(code, 1);
    assert.match(output, /^- {2}color: green$[\s\S]*^\+ {2}color: white$/m);
  });

  it("shows events", async () => {
    const uid = await kubectl("get deployment web -n shop -o jsonpath={.metadata.uid}");
    await kubectl("create -f -", event(uid));
    const [header, row] = await table("get events -n shop");
    assert.deepEqual(header, ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]);
    assert.deepEqual(row?.slice(1), ["Normal", "Tested", "deployment/web", "it was tested"]);
    assert.match(
      await kubectl("events -n shop --for deployment/web"),
      /Tested +Deployment\/web +it was tested/,
    );
    assert.match(
      await kubectl("describe deployment web -n shop"),
      /Normal +Tested +.*x3 over.* +test +it was tested/,
    );
  });

  it("watches", async () => {
    const args = ["get", "configmaps", "-n", "shop", "-w", "--output-watch-events"];
    const watcher = spawn(program, [...everyTime(), ...args], { env: environment() });
    let seen = "";
    watcher.stdout.on("data", (chunk) => {
      seen += chunk;
    });
    const sees = async (pattern: RegExp) => {
      while (!pattern.test(seen)) await once(watcher.stdout, "data");
    };
    try {
      await sees(/ADDED +settings +1 /);
      await kubectl("create configmap later -n shop --from-literal=a=b --from-literal=c=d");
      await sees(/ADDED +later +2 /);
      await kubectl("delete configmap later -n shop");
      await sees(/DELETED +later +2 /);
    } finally {
      watcher.kill();
    }
  });

  it("deletes, also by label, and a definition with all that was made of it", async () => {
    await kubectl("delete deployment,service -l app=web -n shop");
    assert.equal(await kubectl("get deployment,service -n shop -o name"), "");
    await kubectl("delete customresourcedefinition widgets.example.com");
    assert.match(
      (await run(["get", "widgets", "-A"])).errors,
      /could not find the requested resource|doesn't have a resource type/,
    );
    assert.equal(
      await kubectl("apply -f -", definition),
      "customresourcedefinition.apiextensions.k8s.io/widgets.example.com created\n",
    );
    assert.equal(await kubectl("get widgets -A -o name"), "");
  });

  it("met no failure of the server itself", () => assert.deepEqual(problems, []));
});
