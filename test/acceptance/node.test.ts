import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { glob, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Container, ContainerStatus, KubernetesObject, Pod, PodSpec } from "../../src/api/core.ts";
import { portMapAnnotation } from "../../src/api/names.ts";
import { resources } from "../../src/api/resources.ts";
import { blockOf } from "../../src/cluster/addresses.ts";
import { ImageStore } from "../../src/cluster/node/images/image-store.ts";
import { podLogIn } from "../../src/cluster/node/logs/pod-logs.ts";
import { RunLogs } from "../../src/cluster/node/logs/run-log.ts";
import type { NodeAgent } from "../../src/cluster/node/node-agent.ts";
import { Cgroup } from "../../src/cluster/node/process/cgroup.ts";
import { processIdentity } from "../../src/cluster/node/process/process-identity.ts";
import { PodApi } from "../../src/cluster/node/testing/pod-api.ts";
import { dataFolder as dataFolderOf } from "../../src/cluster/supervisor/data-folder.ts";
import { endContainers, leftoverContainers } from "../../src/cluster/supervisor/leftover-pods.ts";
import { KubernetesClient } from "../../src/kubernetes/client.ts";
import type { ApiRequest } from "../../src/kubernetes/transport.ts";
import { SystemClock } from "../../src/time/system-clock.ts";
import { processAgent } from "./node-agent-process.ts";
import { fillUp, mayMount, mountSmallDisk, unmount } from "./small-disk.ts";
import { freeAddresses, freePort } from "./teal-process.ts";

const weather = join(import.meta.dirname, "../../examples/weather/app");
const image = "docker.io/atulinfracloud/weathersample";
const clock = new SystemClock();
const logs = new RunLogs(clock);

const firstObjects = [
  [resources.serviceAccounts, "default"],
  [resources.configMaps, "kube-root-ca.crt"],
] as const;

let dataFolder: string;
/** Of the cluster whose addresses the pods get. */
const addresses = await freeAddresses();
const block = blockOf(addresses.pod(0)) ?? 1;
let api: PodApi;
let client: KubernetesClient;
let images: ImageStore;
let agents: NodeAgent[];

beforeEach(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), "teal-node-"));
  api = new PodApi(clock);
  client = new KubernetesClient(api);
  images = new ImageStore(dataFolder);
  agents = [];
  // Every pod has a token and this certificate, and waits for them.
  for (const [resource, name] of firstObjects)
    await client.create<KubernetesObject>(resource, "default", {
      apiVersion: "v1",
      kind: resource.kind,
      metadata: { name, namespace: "default" },
      ...(resource === resources.configMaps && { data: { "ca.crt": "" } }),
    });
  await images.add(`${image}:v1`, join(weather, "v1"));
  await images.add(`${image}:v2`, join(weather, "v2"));
});

afterEach(async () => {
  const pids = await livingPids();
  await Promise.all(agents.map((agent) => agent.stop({ pods: "stop", mostGraceSeconds: 2 })));
  await until("all processes have ended", () => pids.every((pid) => processIdentity(pid) === undefined));
  await rm(dataFolder, { recursive: true });
});

describe("a weather pod", () => {
  it("serves the page of its version at its own address and is told apart in every answer", async () => {
    await startAgent();
    await createPod("weather-1", weatherContainer("v1"));
    await createPod("weather-2", weatherContainer("v2"));
    const first = await podThat("weather-1", isReady);
    const second = await podThat("weather-2", isReady);
    assert.notEqual(first.status?.podIP, second.status?.podIP);
    const answers = await Promise.all(
      [first, second].map(({ status }) => fetch(`http://${status?.podIP}:5000/api/weather`)),
    );
    const told = answers.map(({ headers }) => [headers.get("x-version"), headers.get("x-pod")]);
    assert.deepEqual(told, [
      ["1", "weather-1"],
      ["2", "weather-2"],
    ]);
    const bodies = await Promise.all(answers.map((answer) => answer.json() as Promise<{ city: string }>));
    assert.deepEqual(
      bodies.map(({ city }) => city),
      ["Hyderabad", "New York"],
    );
    const page = await (await fetch(`http://${first.status?.podIP}:5000/`)).text();
    assert.match(page, /Hyderabad/);
    assert.match(page, /weather-1/);
  });

  it("finishes what is under way when it is deleted, after its preStop hook", async () => {
    await startAgent();
    const proof = join(dataFolder, "stopped");
    const hooks = { preStop: { exec: { command: ["sh", "-c", `echo bye > ${proof}`] } } };
    await createPod("weather", { ...weatherContainer("v1"), lifecycle: hooks });
    const { status, metadata } = await podThat("weather", isReady);
    const slow = fetch(`http://${status?.podIP}:5000/slow?ms=1200`);
    await sleep(200);
    await client.delete(resources.pods, "default", "weather");
    const answer = await slow;
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("connection"), "close");
    await until("the pod's object is gone", () => podOf("weather") === undefined);
    assert.equal(await readFile(proof, "utf8"), "bye\n");
    await assert.rejects(fetch(`http://${status?.podIP}:5000/`));
    const folder = join(dataFolder, "pods", metadata.uid ?? "");
    await until(
      "its folder is gone",
      async () => (await readFile(join(folder, "pod.json")).catch(() => 0)) === 0,
    );
  });

  it("gets ports of its own where pods have no addresses", async () => {
    await startAgent({ addressing: "shared" });
    await createPod("weather", weatherContainer("v1"));
    const { metadata, status } = await podThat("weather", isReady);
    const ports: unknown = JSON.parse(metadata.annotations?.[portMapAnnotation] ?? "{}");
    const port = (ports as Record<string, number>)["5000"];
    assert.equal(status?.podIP, "127.0.0.1");
    assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
  });

  it("is restarted when its liveness probe fails", async () => {
    await startAgent();
    const flag = join(dataFolder, "sick");
    const livenessProbe = {
      exec: { command: ["sh", "-c", `test ! -e ${flag}`] },
      periodSeconds: 1,
      failureThreshold: 1,
    };
    await createPod("weather", { ...weatherContainer("v1"), livenessProbe });
    await podThat("weather", isReady);
    await writeFile(flag, "");
    await podThat("weather", (pod) => container(pod)?.restartCount === 1);
    await rm(flag);
    await podThat("weather", isReady);
    const reasons = events().map(({ reason }) => reason);
    assert.ok(reasons.includes("Unhealthy") && reasons.includes("Killing"));
  });
});

describe("trouble", () => {
  it("at a crash shows exit code, back-off and the log of the run before", async () => {
    await startAgent();
    const command = ["sh", "-c", "echo run of $NAME; echo oops >&2; exit 3"];
    const env = [{ name: "NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }];
    await createPod("crash", { ...weatherContainer("v1"), command, env });
    const pod = await podThat("crash", (now) => waiting(now) === "CrashLoopBackOff");
    assert.equal(container(pod)?.lastState?.terminated?.exitCode, 3);
    assert.equal(container(pod)?.restartCount, 1);
    assert.match(
      container(pod)?.state?.waiting?.message ?? "",
      /^back-off 10s restarting failed container=web/,
    );
    assert.equal(await logOf(pod), "run of crash\noops\n");
    assert.equal(await logOf(pod, { previous: true }), "run of crash\noops\n");
    assert.equal(await logOf(pod, { tailLines: 1 }), "oops\n");
  });

  it("with an unknown image names the way out, and ends when the image is added", async () => {
    await startAgent();
    await createPod("weather", { ...weatherContainer("v1"), image: "shop:7" });
    const pod = await podThat("weather", (now) => waiting(now) === "ErrImagePull");
    assert.match(container(pod)?.state?.waiting?.message ?? "", /"shop:7".*teal image add shop:7 DIR/);
    await podThat("weather", (now) => waiting(now) === "ImagePullBackOff");
    await images.add("shop:7", join(weather, "v2"));
    const ready = await podThat("weather", isReady);
    assert.equal(container(ready)?.restartCount, 0);
  });

  it("with a program that is not there says which one and where", async () => {
    await startAgent();
    await createPod("broken", { ...weatherContainer("v1"), command: ["no-such-program"] });
    const pod = await podThat("broken", (now) => waiting(now) === "CrashLoopBackOff");
    const terminated = container(pod)?.lastState?.terminated;
    assert.deepEqual([terminated?.exitCode, terminated?.reason], [128, "StartError"]);
    assert.match(terminated?.message ?? "", /cannot start "no-such-program" in .*: no such program/);
  });

  it("with a missing ConfigMap waits for it", async () => {
    await startAgent();
    const env = [{ name: "X", valueFrom: { configMapKeyRef: { name: "settings", key: "x" } } }];
    await createPod("weather", { ...weatherContainer("v1"), env });
    const pod = await podThat("weather", (now) => waiting(now) === "CreateContainerConfigError");
    assert.equal(container(pod)?.state?.waiting?.message, 'configmap "settings" not found');
  });

  it("with a program that ignores SIGTERM ends with the grace period, and takes its children along", async () => {
    await startAgent();
    const command = ["sh", "-c", 'trap "" TERM; sleep 1000 & echo $!; wait; wait'];
    await createPod(
      "deaf",
      { ...weatherContainer("v1", false), command },
      { terminationGracePeriodSeconds: 2 },
    );
    const pod = await podThat("deaf", isReady);
    await until("the child is known", async () => (await logOf(pod)) !== "");
    const child = Number(await logOf(pod));
    assert.ok(processIdentity(child));
    await client.delete(resources.pods, "default", "deaf");
    await until("the pod's object is gone", () => podOf("deaf") === undefined);
    await until("the child has ended", () => processIdentity(child) === undefined);
  });
});

describe("a pod whose manifest says what is otherwise here", () => {
  it("is told that its HOST is not its address", async () => {
    await startAgent();
    await client.create(resources.configMaps, "default", {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "settings" },
      data: { HOST: "0.0.0.0" },
    });
    const idle = { ...weatherContainer("v1", false), command: ["sleep", "100"] };
    await createPod("own", { ...idle, env: [{ name: "HOST", value: "127.0.0.1" }] });
    await createPod("mapped", { ...idle, envFrom: [{ configMapRef: { name: "settings" } }] });
    const byField = { fieldRef: { fieldPath: "status.podIP" } };
    await createPod("right", { ...idle, env: [{ name: "HOST", valueFrom: byField }] });
    for (const name of ["own", "mapped", "right"]) await podThat(name, isReady);
    await until("both are told", () => reasonsTold("HostIsSet").length === 2);
    const [first] = events().filter(({ reason }) => reason === "HostIsSet");
    assert.match(first?.message ?? "", /is given HOST=.* leave HOST out, or take it from status.podIP/);
  });

  it("is told what of it is ignored", async () => {
    await startAgent();
    const securityContext = { runAsUser: 1000 };
    await createPod("weather", weatherContainer("v1"), { securityContext } as Partial<PodSpec>);
    await podThat("weather", isReady);
    const [told] = events().filter(({ reason }) => reason === "IgnoredFields");
    assert.match(told?.message ?? "", /^The embedded cluster ignores securityContext: /);
  });
});

describe("a pod with volumes", () => {
  const script = (text: string): Container => ({
    ...weatherContainer("v1", false),
    command: ["sh", "-c", text],
  });
  const configMap = (data: Record<string, string>): KubernetesObject & { data: object } => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "settings", namespace: "default" },
    data,
  });

  for (const roots of [undefined, "none"] as const) {
    it(`reads what it mounts, before and after a change${roots === "none" ? ", where it has no root of its own" : ""}`, async () => {
      await startAgent(roots === undefined ? {} : { roots });
      await client.create(resources.configMaps, "default", configMap({ colour: "blue" }));
      const mount = { name: "settings", mountPath: "/etc/teal-settings" };
      await createPod(
        "reader",
        {
          ...script("while :; do cat /etc/teal-settings/colour; echo; sleep 0.1; done"),
          volumeMounts: [mount],
        },
        { volumes: [{ name: "settings", configMap: { name: "settings" } }] },
      );
      const pod = await podThat("reader", isReady);
      await until("it reads", async () => (await logOf(pod)).includes("blue\n"));
      const body = { data: { colour: "green" } };
      await client.patch(resources.configMaps, "default", "settings", { type: "merge", body });
      await until("it reads the change", async () => (await logOf(pod)).includes("green\n"));
    });
  }

  it("waits for a ConfigMap that is not there, says so, and starts when it comes", async () => {
    await startAgent();
    const volumes = [{ name: "settings", configMap: { name: "settings" } }];
    await createPod("waiting", script("sleep 100"), { volumes });
    await until("it is told", () => reasonsTold("FailedMount").length > 0);
    const [told] = events().filter(({ reason }) => reason === "FailedMount");
    assert.equal(
      told?.message,
      'MountVolume.SetUp failed for volume "settings" : configmap "settings" not found',
    );
    assert.equal(podOf("waiting")?.status?.phase, "Pending");
    await client.create(resources.configMaps, "default", configMap({ colour: "blue" }));
    await podThat("waiting", isReady);
  });

  it("is not placed when it claims storage, and says why", async () => {
    await startAgent();
    await createPod("claims", script("sleep 100"), {
      volumes: [{ name: "data", persistentVolumeClaim: { claimName: "disk" } }],
    });
    await until("it is told", () => reasonsTold("FailedScheduling").length > 0);
    const [told] = events().filter(({ reason }) => reason === "FailedScheduling");
    assert.match(
      told?.message ?? "",
      /^0\/1 nodes are available: persistentvolumeclaim "disk" has no volume\. /,
    );
  });

  it("is probed where it sees its files, and they are nobody else's", async () => {
    await startAgent();
    const exec = { command: ["cat", "/teal-test-is-up"] };
    await createPod("probed", {
      ...script("echo yes > /teal-test-is-up; sleep 100"),
      readinessProbe: { exec, periodSeconds: 1 },
    });
    await podThat("probed", isReady);
    await assert.rejects(readFile("/teal-test-is-up"));
  });

  it("is told that it was ended for want of memory", async (test) => {
    const group = Cgroup.make(`test.${process.pid}`, { memoryBytes: undefined, cpus: 1 });
    if (group === undefined) return test.skip("limits are not permitted here");
    group.remove();
    await startAgent();
    const program =
      "setTimeout(() => { const all = []; while (all.length < 64) all.push(Buffer.alloc(8e6, 1)); }, 200)";
    const resources = { limits: { memory: "48Mi" } };
    const container = { ...weatherContainer("v1", false), command: ["node", "-e", program], resources };
    await createPod("greedy", container, { restartPolicy: "Never" });
    const pod = await podThat("greedy", ({ status }) => status?.phase === "Failed");
    const { exitCode, reason } = pod.status?.containerStatuses?.[0]?.state?.terminated ?? {};
    assert.deepEqual([exitCode, reason], [137, "OOMKilled"]);
  });

  it("tells with its end what it has written into its termination log", async () => {
    await startAgent();
    const container = script("echo the end > /dev/termination-log; exit 3");
    await createPod("ends", container, { restartPolicy: "Never" });
    const pod = await podThat("ends", ({ status }) => status?.phase === "Failed");
    const { exitCode, message } = pod.status?.containerStatuses?.[0]?.state?.terminated ?? {};
    assert.deepEqual([exitCode, message], [3, "the end\n"]);
  });
});

describe("a pod whose program does not stay", () => {
  for (const seconds of [0, 0.3, 1, 1.5]) {
    it(`is never ready when it ends after ${seconds} s`, async () => {
      const seen: boolean[] = [];
      await startAgent();
      await createPod("short", { ...weatherContainer("v1", false), command: ["sleep", String(seconds)] });
      await podThat("short", (pod) => {
        seen.push(isReady(pod));
        return (container(pod)?.restartCount ?? 0) >= 1 && waiting(pod) === "CrashLoopBackOff";
      });
      assert.ok(!seen.includes(true));
    });
  }
});

describe("a pod that this machine cannot start", () => {
  const large = "x".repeat(200 * 1024);
  const cases: readonly { what: string; only: Partial<Container>; shows: RegExp }[] = [
    {
      what: "a ConfigMap of 200 KiB in its environment",
      only: { envFrom: [{ configMapRef: { name: "large" } }] },
      shows: /too long for the system, above all variable settings with \d{6} characters/,
    },
    {
      what: "an argument of 200 KiB",
      only: { args: [large] },
      shows: /too long for the system, above all argument \d with \d{6} characters/,
    },
    {
      what: "a NUL in a variable",
      only: { env: [{ name: "KEY", value: "a\0b" }] },
      shows: /^variable KEY has a NUL character/,
    },
    {
      what: "a NUL in its command",
      only: { command: ["node\0", "-v"] },
      shows: /^command has a NUL character/,
    },
    {
      what: "a NUL in its folder",
      only: { workingDir: "a\0b" },
      shows: /null bytes/,
    },
  ];

  for (const { what, only, shows } of cases) {
    it(`says so, is deleted like any other, and costs its neighbour nothing: ${what}`, async () => {
      await startAgent();
      await client.create(resources.configMaps, "default", {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "large" },
        data: { settings: large },
      });
      await createPod("good", weatherContainer("v1"));
      await createPod("bad", { ...weatherContainer("v1"), ...only });
      const bad = await podThat("bad", (pod) => waiting(pod) === "CreateContainerError");
      assert.match(container(bad)?.state?.waiting?.message ?? "", shows);
      await until("an event says so", () => reasonsTold("Failed").length > 0);
      const good = await podThat("good", isReady);
      await client.delete(resources.pods, "default", "bad");
      await until("the pod's object is gone", () => podOf("bad") === undefined);
      assert.equal((await fetch(`http://${good.status?.podIP}:5000/healthz`)).status, 200);
    });
  }

  it("says that its log cannot be opened, and starts when it can", async () => {
    await startAgent();
    await createPod("weather", { ...weatherContainer("v1"), image: "later:1" });
    const { metadata } = await podThat("weather", (pod) => waiting(pod) === "ErrImagePull");
    const log = join(dataFolder, "pods", metadata.uid ?? "", "web", "0.log");
    await mkdir(log, { recursive: true });
    await images.add("later:1", join(weather, "v1"));
    const pod = await podThat("weather", (now) => waiting(now) === "CreateContainerError");
    assert.match(container(pod)?.state?.waiting?.message ?? "", /its log cannot be opened: EISDIR/);
    await rm(log, { recursive: true });
    await podThat("weather", isReady);
  });

  it("is started anew when its record is damaged, and the process that nobody knows any more is ended", async () => {
    await startAgent();
    await createPod("weather", weatherContainer("v1"));
    const { metadata } = await podThat("weather", isReady);
    const [pid = 0] = await livingPids();
    await agents.pop()?.stop({ pods: "keep" });
    await writeFile(join(dataFolder, "pods", metadata.uid ?? "", "web", "record.json"), "{");
    await startAgent();
    await until("the old process has ended", () => processIdentity(pid) === undefined);
    await podThat("weather", (pod) => isReady(pod) && container(pod)?.restartCount === 1);
  });
});

describe("pods on a full disk", { skip: mayMount() ? false : "mounting a small disk needs root" }, () => {
  // Half a page is free at the end, so that nothing more can be written, not even a short record.
  const fill = (): string => join(dataFolder, "fill");

  beforeEach(() => {
    mountSmallDisk(dataFolder, "4m");
  });

  afterEach(() => {
    unmount(dataFolder);
  });

  it("go on, say what cannot be done, end, and recover when there is room", async () => {
    const problems: string[] = [];
    await images.add(`${image}:v1`, join(weather, "v1"));
    await startAgent({ onProblem: (text) => problems.push(text) });
    await createPod("crashing", {
      ...weatherContainer("v1", false),
      command: ["sh", "-c", "sleep 1; exit 3"],
    });
    await createPod("good", weatherContainer("v1"));
    const good = await podThat("good", isReady);
    fillUp(fill());
    // Its token would find no room before its container does.
    await createPod("new", weatherContainer("v1"), { automountServiceAccountToken: false });
    const refused = await podThat("new", (pod) =>
      /ENOSPC/.test(container(pod)?.state?.waiting?.message ?? ""),
    );
    assert.match(waiting(refused) ?? "", /^Create(PodSandbox|Container)Error$/);
    await podThat(
      "crashing",
      (pod) =>
        container(pod)?.lastState?.terminated?.exitCode === 3 &&
        /ENOSPC/.test(container(pod)?.state?.waiting?.message ?? ""),
    );
    assert.equal((await fetch(`http://${good.status?.podIP}:5000/healthz`)).status, 200);
    await client.delete(resources.pods, "default", "crashing");
    await until("a pod can be deleted", () => podOf("crashing") === undefined);
    await rm(fill());
    await podThat("new", isReady);
    assert.deepEqual(
      problems.filter((text) => text.includes("not looked after")),
      [],
    );
  });
});

describe("a server that ignores HOST", { skip: process.platform !== "linux" }, () => {
  // On a port that nobody else on this machine has: for all addresses is also for others.
  function server(port: number, host: string, withProbe: boolean): Container {
    const program = `require("http").createServer((_, answer) => answer.end("ok")).listen(process.env.PORT, ${host})`;
    const ports = [{ name: "http", containerPort: port }];
    return { ...weatherContainer("v1", withProbe), ports, command: ["node", "-e", program] };
  }

  for (const host of ["'0.0.0.0'", "undefined"]) {
    for (const withProbe of [true, false]) {
      const probe = withProbe ? "with" : "without";
      it(`and listens on ${host} is not ready, and says what to do, ${probe} a probe`, async () => {
        await startAgent();
        const port = await freePort();
        await createPod("wide", server(port, host, withProbe));
        const held = await podThat("wide", (pod) => readyMessage(pod).includes("ListensOnAllAddresses"));
        assert.equal(isReady(held), false);
        assert.match(readyMessage(held), new RegExp(`port ${port} of all addresses`));
        assert.match(readyMessage(held), new RegExp(`address in HOST \\(${held.status?.podIP}\\)`));
        await until("it is told once", () => reasonsTold("ListensOnAllAddresses").length === 1);
        await sleep(1500);
        assert.deepEqual(reasonsTold("ListensOnAllAddresses"), [1]);
        assert.equal(isReady(podOf("wide") ?? held), false);
      });
    }
  }

  it("is told from one that listens where it should", async () => {
    await startAgent();
    await createPod("narrow", server(await freePort(), "process.env.HOST", true));
    await podThat("narrow", isReady);
    await sleep(1000);
    assert.equal(podOf("narrow")?.status?.containerStatuses?.[0]?.ready, true);
    assert.deepEqual(reasonsTold("ListensOnAllAddresses"), []);
  });
});

describe("a pod's probe", { skip: process.platform !== "linux" }, () => {
  // Listens where it should as soon as it can.
  const persistent = `const server = require("http").createServer((_, answer) => answer.end("ok"));
    server.on("error", () => setTimeout(listen, 100));
    const listen = () => server.listen(process.env.PORT, process.env.HOST);
    listen();`;
  const probes = {
    http: { httpGet: { path: "/", port: "http" }, periodSeconds: 1 },
    tcp: { tcpSocket: { port: "http" }, periodSeconds: 1 },
  };

  function server(port: number, kind: keyof typeof probes, command: readonly string[]): Container {
    const ports = [{ name: "http", containerPort: port }];
    return { ...weatherContainer("v1", false), ports, readinessProbe: probes[kind], command: [...command] };
  }

  async function strangerOn(port: number, host: string): Promise<Server> {
    const stranger = createServer((_, answer) => answer.end("stranger"));
    stranger.listen(port, host);
    await once(stranger, "listening");
    return stranger;
  }

  // The first pod's address is known before.
  for (const host of ["0.0.0.0", "::", addresses.pod(0)]) {
    for (const kind of ["http", "tcp"] as const) {
      it(`is not answered by somebody else who listens on ${host}, over ${kind}`, async () => {
        await startAgent();
        const port = await freePort();
        const stranger = await strangerOn(port, host);
        await createPod("late", server(port, kind, ["node", "-e", persistent]));
        await until("it is told who is there", () =>
          events().some(({ message }) => message.includes("a program that is not of this pod listens on")),
        );
        const pod = podOf("late");
        assert.ok(pod !== undefined && !isReady(pod));
        stranger.close();
        await podThat("late", isReady);
      });
    }
  }

  it("is answered by a server that has left its parents and its session", async () => {
    await startAgent();
    const leave = `(setsid node -e '${persistent}' &); while :; do sleep 1; done`;
    await createPod("loose", server(await freePort(), "http", ["sh", "-c", leave]));
    await podThat("loose", isReady);
  });
});

describe("a process that left its container's group", { skip: process.platform !== "linux" }, () => {
  const leaving = (program: string): string[] => ["sh", "-c", `setsid sh -c '${program}' & wait`];
  // In a manifest, two dollar signs stand for one.
  const deaf = 'trap "" TERM; echo $$$$; while :; do sleep 1; done';

  async function stray(name: string): Promise<{ readonly pod: Pod; readonly pid: number }> {
    await createPod(name, { ...weatherContainer("v1", false), command: leaving(deaf) });
    const pod = await podThat(name, isReady);
    await until("its number is known", async () => (await logOf(pod)) !== "");
    const pid = Number(await logOf(pod));
    assert.ok(processIdentity(pid));
    return { pod, pid };
  }

  it("ends with the pod although it ignores SIGTERM", async () => {
    await startAgent();
    const { pid } = await stray("loose");
    await client.delete(resources.pods, "default", "loose");
    await until("the pod's object is gone", () => podOf("loose") === undefined);
    assert.equal(processIdentity(pid), undefined);
  });

  it("ends before the container runs again", async () => {
    await startAgent();
    const { pid } = await stray("loose");
    const [leader = 0] = await livingPids();
    process.kill(leader, "SIGKILL");
    await podThat("loose", (pod) => isReady(pod) && container(pod)?.restartCount === 1);
    assert.equal(processIdentity(pid), undefined);
  });

  it("is found and ended when nothing of its cluster runs any more, its container neither", async () => {
    await startAgent();
    const { pid } = await stray("loose");
    await Promise.all(agents.splice(0).map((agent) => agent.stop({ pods: "keep" })));
    const [leader = 0] = await livingPids();
    process.kill(-leader, "SIGKILL");
    await until("the container has ended", () => processIdentity(leader) === undefined);
    const left = leftoverContainers(dataFolderOf(dataFolder));
    assert.ok(left.some((known) => known.pid === pid));
    await endContainers(left, clock);
    assert.equal(processIdentity(pid), undefined);
    assert.deepEqual(leftoverContainers(dataFolderOf(dataFolder)), []);
  });
});

describe("an environment", () => {
  it("holds what the manifest says and nothing of the user's", async () => {
    process.env["TEAL_TEST_SECRET"] = "leaked";
    await startAgent();
    await client.create(resources.configMaps, "default", {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "settings" },
      data: { COLOUR: "teal" },
    });
    const env = [
      { name: "A", value: "one" },
      { name: "B", value: "$(A)-$$(A)-$(MISSING)" },
    ];
    const envFrom = [{ configMapRef: { name: "settings" } }];
    const command = ["sh", "-c", "env; echo ARG=$0", "$(B)"];
    await createPod(
      "env",
      { ...weatherContainer("v1", false), command, env, envFrom },
      { restartPolicy: "Never" },
    );
    const pod = await podThat("env", ({ status }) => status?.phase === "Succeeded");
    const lines = (await logOf(pod)).split("\n");
    for (const line of [
      "A=one",
      "B=one-$(A)-$(MISSING)",
      "COLOUR=teal",
      "PORT=5000",
      "HOSTNAME=env",
      "VERSION=1",
    ]) {
      assert.ok(lines.includes(line), line);
    }
    assert.ok(lines.includes("ARG=one-$(A)-$(MISSING)"));
    assert.ok(lines.includes(`HOST=${pod.status?.podIP}`));
    assert.ok(!lines.some((line) => line.includes("TEAL_TEST_SECRET")));
    delete process.env["TEAL_TEST_SECRET"];
  });
});

describe("logs", () => {
  it("are followed until the container ends", async () => {
    await startAgent();
    const command = ["sh", "-c", "echo one; sleep 0.6; echo two"];
    await createPod("talk", { ...weatherContainer("v1", false), command }, { restartPolicy: "Never" });
    const pod = await podThat("talk", (now) => container(now)?.state?.running !== undefined);
    assert.equal(await logOf(pod, { follow: true }), "one\ntwo\n");
  });
});

describe("an agent that is killed", () => {
  let server: Server;
  let address: string;
  let child: ChildProcess | undefined;
  before(async () => {
    server = createServer((request, response) => void serve(request, response)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    assert.ok(typeof bound === "object" && bound !== null);
    address = `http://127.0.0.1:${bound.port}`;
  });
  after(() => {
    child?.kill("SIGKILL");
    server.closeAllConnections();
    server.close();
  });

  it("is succeeded by one that takes over what runs, sees it end, and ends what nobody wants", async () => {
    const killed = await agentProcess(address);
    await createPod("stays", weatherContainer("v1"));
    await createPod("goes", weatherContainer("v1"));
    const stays = await podThat("stays", isReady);
    await podThat("goes", isReady);
    const pids = await livingPids();
    assert.equal(pids.length, 2);
    killed.kill("SIGKILL");
    await once(killed, "exit");
    // While nobody looks after it, the pod serves on, and the other one's object goes.
    assert.equal((await fetch(`http://${stays.status?.podIP}:5000/`)).status, 200);
    await client.delete(resources.pods, "default", "goes", { gracePeriodSeconds: 0 });

    const writesBefore = api.writes.length;
    await startAgent();
    await until("the leftover has ended", async () => (await livingPids()).length === 1);
    assert.deepEqual(podOf("stays"), stays);
    const writes = api.writes.slice(writesBefore).filter((write) => write.includes("/pods/"));
    assert.deepEqual(writes, []);

    const [pid = 0] = await livingPids();
    process.kill(pid, "SIGKILL");
    const restarted = await podThat("stays", (pod) => isReady(pod) && container(pod)?.restartCount === 1);
    assert.equal(container(restarted)?.lastState?.terminated?.reason, "ContainerStatusUnknown");
    assert.equal(restarted.status?.podIP, stays.status?.podIP);
  });

  async function agentProcess(url: string): Promise<ChildProcess> {
    const program = join(import.meta.dirname, "node-agent-process.ts");
    child = fork(program, [url, dataFolder, String(block)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    await once(child, "message", { signal: AbortSignal.timeout(20_000) });
    return child;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", address);
    const query = Object.fromEntries(url.searchParams);
    const text = (await request.toArray()).join("");
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    const asked: ApiRequest = {
      method: request.method as ApiRequest["method"],
      path: url.pathname,
      query,
      body,
      contentType: request.headers["content-type"] ?? "application/json",
    };
    response.setHeader("content-type", "application/json");
    if (query["watch"] === "true") {
      response.flushHeaders();
      const cancel = api.watch(asked, {
        event: (event) => response.write(`${JSON.stringify(event)}\n`),
        ended: () => response.end(),
      });
      response.on("close", cancel);
      return;
    }
    const answer = await api.request(asked);
    response.writeHead(answer.code).end(JSON.stringify(answer.body));
  }
});

async function startAgent(options: Parameters<typeof processAgent>[3] = {}): Promise<void> {
  const agent = processAgent(api, dataFolder, block, { logs, ...options });
  agents.push(agent);
  await agent.start();
}

function weatherContainer(version: string, withProbe = true): Container {
  const ports = [{ name: "http", containerPort: 5000 }];
  const readinessProbe = { httpGet: { path: "/healthz", port: "http" } };
  return { name: "web", image: `${image}:${version}`, ports, ...(withProbe ? { readinessProbe } : {}) };
}

async function createPod(name: string, only: Container, spec: Partial<PodSpec> = {}): Promise<void> {
  const pod: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default" },
    spec: { containers: [only], restartPolicy: "Always", terminationGracePeriodSeconds: 10, ...spec },
  };
  await client.create(resources.pods, "default", pod);
}

function podOf(name: string): Pod | undefined {
  return api.all<Pod>("pods").find(({ metadata }) => metadata.name === name);
}

function container(pod: Pod): ContainerStatus | undefined {
  return pod.status?.containerStatuses?.[0];
}

function waiting(pod: Pod): string | undefined {
  return container(pod)?.state?.waiting?.reason;
}

function isReady(pod: Pod): boolean {
  return container(pod)?.ready === true;
}

function events() {
  return api.all<KubernetesObject & { reason: string; message: string; count?: number }>("events");
}

/** How often each of the events with this reason was told. */
function reasonsTold(wanted: string): readonly (number | undefined)[] {
  return events().flatMap(({ reason, count }) => (reason === wanted ? [count] : []));
}

function readyMessage(pod: Pod): string {
  return pod.status?.conditions?.find(({ type }) => type === "Ready")?.message ?? "";
}

async function podThat(name: string, is: (pod: Pod) => boolean): Promise<Pod> {
  let pod: Pod | undefined;
  await until(
    () => `pod ${name} is as wanted; it is ${JSON.stringify(pod?.status, null, 1)}`,
    () => {
      pod = podOf(name);
      return pod !== undefined && is(pod);
    },
  );
  assert.ok(pod);
  return pod;
}

async function until(
  what: string | (() => string),
  holds: () => boolean | Promise<boolean>,
  seconds = 20,
): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > deadline)
      assert.fail(`after ${seconds} s: not yet ${typeof what === "string" ? what : what()}`);
    await sleep(20);
  }
}

async function logOf(
  pod: Pod,
  options: { readonly previous?: boolean; readonly follow?: boolean; readonly tailLines?: number } = {},
): Promise<string> {
  const asked = {
    container: "web",
    previous: false,
    follow: false,
    timestamps: false,
    tailLines: undefined,
    since: undefined,
    limitBytes: undefined,
    ...options,
  };
  let text = "";
  const { signal } = new AbortController();
  for await (const piece of podLogIn(dataFolder, logs, pod, asked, signal)) text += String(piece);
  return text;
}

/** Pids of all containers that run now, from their records. */
async function livingPids(): Promise<number[]> {
  await mkdir(join(dataFolder, "pods"), { recursive: true });
  const pids: number[] = [];
  for await (const path of glob(join(dataFolder, "pods/*/*/record.json"))) {
    const record = JSON.parse(await readFile(path, "utf8")) as { pid: number; identity: string };
    if (processIdentity(record.pid) === record.identity) pids.push(record.pid);
  }
  return pids;
}
