import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ContainerStatus, Pod, PodSpec } from "../../../api/core.ts";
import { type Cancel, later } from "../../../time/clock.ts";
import { ManualClock } from "../../../time/manual-clock.ts";
import type {
  CheckResult,
  ContainerKey,
  Earlier,
  Handler,
  Objection,
  PodDriver,
  PodNetwork,
  RunningContainer,
} from "../pod-driver.ts";
import type { BehaviourRule } from "../simulated-behaviour.ts";
import { SimulatedDriver } from "../simulated-driver.ts";
import { PodLifecycle } from "./pod-lifecycle.ts";

function podOf(spec: Partial<PodSpec> = {}, annotations: Record<string, string> = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web-1", namespace: "default", uid: "u-1", annotations },
    spec: { containers: [{ name: "web", image: "web:1" }], restartPolicy: "Always", ...spec },
  };
}

function live(pod: Pod, ...behaviours: BehaviourRule[]) {
  const clock = new ManualClock();
  const driver = new SimulatedDriver({ clock, behaviours });
  return { clock, driver, ...resumed(pod, clock, driver) };
}

function resumed(pod: Pod, clock: ManualClock, driver: PodDriver) {
  const events: string[] = [];
  const lifecycle = new PodLifecycle({
    pod,
    driver,
    clock,
    hostIp: "127.0.0.1",
    events: { record: (_pod, type, reason, message) => events.push(`${type} ${reason} ${message}`) },
    changed: () => {},
  });
  const running = lifecycle.run();
  return { lifecycle, running, events, web: () => containerStatus(lifecycle) };
}

function containerStatus(lifecycle: PodLifecycle): ContainerStatus {
  const [status] = lifecycle.status().containerStatuses ?? [];
  assert.ok(status);
  return status;
}

function conditions(lifecycle: PodLifecycle): Record<string, string> {
  return Object.fromEntries(
    (lifecycle.status().conditions ?? []).map(({ type, status, reason }) => [
      type,
      reason === undefined ? status : `${status} ${reason}`,
    ]),
  );
}

describe("a pod", () => {
  it("runs and is ready at once when nothing says otherwise", async () => {
    const { clock, lifecycle, web, events } = live(podOf());
    await clock.settle();
    assert.equal(lifecycle.status().phase, "Running");
    assert.equal(lifecycle.status().podIP, "127.1.0.2");
    assert.equal(web().ready, true);
    assert.deepEqual(conditions(lifecycle), {
      PodReadyToStartContainers: "True",
      Initialized: "True",
      Ready: "True",
      ContainersReady: "True",
      PodScheduled: "True",
    });
    assert.deepEqual(events, [
      'Normal Pulled Container image "web:1" already present on machine',
      "Normal Created Created container: web",
      "Normal Started Started container web",
    ]);
    lifecycle.abandon();
  });

  it("becomes ready and unready when its behaviour says so", async () => {
    const rule = { image: "web:*", startAfterSeconds: 2, readyAfterSeconds: 3, unreadyAfterSeconds: 10 };
    const { clock, lifecycle, web } = live(podOf(), rule);
    await clock.advance(1);
    assert.equal(lifecycle.status().phase, "Pending");
    await clock.advance(3.9);
    assert.deepEqual([lifecycle.status().phase, web().ready], ["Running", false]);
    assert.equal(conditions(lifecycle)["Ready"], "False ContainersNotReady");
    await clock.advance(0.1);
    assert.equal(web().ready, true);
    await clock.advance(7);
    assert.equal(web().ready, false);
    lifecycle.abandon();
  });

  it("obeys sim.test annotations before rules, also when they change", async () => {
    const pod = podOf({}, { "sim.test/never-ready": "true", "sim.test/ready-after": "1m1s" });
    const { clock, lifecycle, web } = live(pod, { readyAfterSeconds: 1 });
    await clock.advance(61);
    assert.equal(web().ready, false);
    lifecycle.update(podOf({}, { "sim.test/ready-after": "1m1s" }));
    assert.equal(web().ready, true);
    lifecycle.abandon();
  });

  it("keeps the transition time of a condition that has not changed", async () => {
    const { clock, lifecycle } = live(podOf(), { readyAfterSeconds: 5 });
    await clock.settle();
    const before = lifecycle.status();
    await clock.advance(5);
    const after = lifecycle.status();
    const at = (status: typeof after, name: string) =>
      status.conditions?.find(({ type }) => type === name)?.lastTransitionTime;
    assert.equal(at(after, "Initialized"), at(before, "Initialized"));
    assert.equal(at(after, "Ready"), "2026-01-01T00:00:05Z");
    lifecycle.abandon();
  });

  it("that its driver objects to is told so once and not ready until that has changed", async () => {
    const clock = new ManualClock();
    const driver = new SimulatedDriver({ clock, behaviours: [{ readyAfterSeconds: 2 }] });
    let objection: Objection | undefined;
    let inspections = 0;
    const strict: PodDriver = Object.assign(driver, {
      objectionTo: () => {
        inspections++;
        return objection;
      },
    });
    const { lifecycle, web, events } = resumed(podOf(), clock, strict);
    await clock.advance(1);
    objection = { reason: "ListensOnAllAddresses", message: "port 5000" };
    await clock.advance(100);
    assert.equal(web().ready, false);
    const ready = lifecycle.status().conditions?.find(({ type }) => type === "Ready");
    assert.equal(ready?.reason, "ContainersNotReady");
    assert.equal(ready?.message, "containers with unready status: [web]; ListensOnAllAddresses: port 5000");
    assert.deepEqual(
      events.filter((event) => event.startsWith("Warning")),
      ["Warning ListensOnAllAddresses port 5000"],
    );
    assert.ok(inspections <= 8, `${inspections} inspections in 100 s`);
    objection = undefined;
    await clock.advance(60);
    assert.equal(web().ready, true);
    lifecycle.abandon();
    assert.equal(clock.pending, 0);
  });

  it("is ready only when its readiness gates are open", async () => {
    const pod = podOf({ readinessGates: [{ conditionType: "example.com/in" }] });
    const { clock, lifecycle } = live(pod);
    await clock.settle();
    assert.equal(conditions(lifecycle)["ContainersReady"], "True");
    assert.equal(conditions(lifecycle)["Ready"], "False ReadinessGatesNotReady");
    const status = { conditions: [{ type: "example.com/in", status: "True" }] };
    lifecycle.update({ ...pod, status });
    assert.equal(conditions(lifecycle)["Ready"], "True");
    lifecycle.abandon();
  });
});

describe("restarts", () => {
  it("come at once after the first crash, then after 10 s, 20 s … 300 s", async () => {
    const { clock, lifecycle, web, events } = live(podOf(), { crashAfterSeconds: 1 });
    await clock.advance(1.5);
    assert.equal(web().restartCount, 1);
    assert.ok(web().state?.running);
    assert.equal(web().lastState?.terminated?.exitCode, 1);
    for (const [index, seconds] of [10, 20, 40, 80, 160, 300, 300].entries()) {
      await clock.advance(0.5);
      assert.equal(web().state?.waiting?.reason, "CrashLoopBackOff", `before ${seconds} s`);
      await clock.advance(seconds - 0.1);
      assert.equal(web().restartCount, index + 1, `before ${seconds} s have passed`);
      await clock.advance(0.6);
      assert.equal(web().restartCount, index + 2, `after ${seconds} s`);
    }
    assert.match(web().lastState?.terminated?.reason ?? "", /Error/);
    assert.ok(
      events.includes("Warning BackOff Back-off restarting failed container web in pod web-1_default(u-1)"),
    );
    lifecycle.abandon();
  });

  it("name the wait in the waiting message", async () => {
    const { clock, lifecycle, web } = live(podOf(), { crashAfterSeconds: 1 });
    await clock.advance(2);
    const message = "back-off 10s restarting failed container=web pod=web-1_default(u-1)";
    assert.equal(web().state?.waiting?.message, message);
    assert.equal(lifecycle.status().phase, "Running");
    lifecycle.abandon();
  });

  it("are forgiven after ten minutes without a crash", async () => {
    const { clock, driver, lifecycle, web } = live(podOf(), { crashAfterSeconds: 1, crashes: 3 });
    await clock.advance(35);
    assert.equal(web().restartCount, 3);
    await clock.advance(601);
    driver.crash("u-1");
    await clock.settle();
    assert.equal(web().restartCount, 4);
    assert.ok(web().state?.running);
    lifecycle.abandon();
  });

  const outcomes = [
    { policy: "Never", exitCode: 0, phase: "Succeeded", restarts: 0 },
    { policy: "Never", exitCode: 3, phase: "Failed", restarts: 0 },
    { policy: "OnFailure", exitCode: 0, phase: "Succeeded", restarts: 0 },
    { policy: "OnFailure", exitCode: 3, phase: "Running", restarts: 1 },
    { policy: "Always", exitCode: 0, phase: "Running", restarts: 1 },
  ];
  for (const { policy, exitCode, phase, restarts } of outcomes) {
    it(`with policy ${policy} and exit code ${exitCode} leave the pod ${phase}`, async () => {
      const { clock, lifecycle, web } = live(podOf({ restartPolicy: policy }), {
        crashAfterSeconds: 1,
        exitCode,
      });
      await clock.advance(1.5);
      assert.deepEqual([lifecycle.status().phase, web().restartCount], [phase, restarts]);
      lifecycle.abandon();
    });
  }

  it("follow a failed liveness probe", async () => {
    const livenessProbe = { tcpSocket: { port: 80 }, periodSeconds: 2, failureThreshold: 2 };
    const pod = podOf({ containers: [{ name: "web", image: "web:1", livenessProbe }] });
    const { clock, lifecycle, web, events } = live(pod, { unhealthyAfterSeconds: 5 });
    await clock.advance(7.5);
    assert.equal(web().restartCount, 0);
    await clock.advance(1);
    assert.equal(web().restartCount, 1);
    assert.ok(events.includes("Normal Killing Container web failed liveness probe, will be restarted"));
    lifecycle.abandon();
  });
});

describe("an unknown image", () => {
  it("that may never be pulled is waited for without a back-off from pulling", async () => {
    const containers = [{ name: "web", image: "web:1", imagePullPolicy: "Never" }];
    const { clock, driver, lifecycle, web, events } = live(podOf({ containers }), { unknownImage: true });
    await clock.settle();
    assert.equal(web().state?.waiting?.reason, "ErrImageNeverPull");
    await clock.advance(3);
    assert.equal(web().state?.waiting?.reason, "ErrImageNeverPull");
    assert.match(
      web().state?.waiting?.message ?? "",
      /"web:1" is not present with pull policy of Never: image web:1/,
    );
    assert.ok(
      events.some((each) => each.startsWith("Warning ErrImageNeverPull Container image")),
      events.join("\n"),
    );
    driver.behave({ image: "web:1" });
    await clock.settle();
    assert.equal(web().ready, true);
    lifecycle.abandon();
  });

  it("is tried again with back-off and starts by itself when it is added", async () => {
    const { clock, driver, lifecycle, web, events } = live(podOf(), { unknownImage: true });
    await clock.settle();
    assert.equal(web().state?.waiting?.reason, "ErrImagePull");
    await clock.advance(3);
    assert.equal(web().state?.waiting?.reason, "ImagePullBackOff");
    assert.match(
      web().state?.waiting?.message ?? "",
      /^Back-off pulling image "web:1": ErrImagePull: image web:1/,
    );
    await clock.advance(7.5);
    assert.equal(web().state?.waiting?.reason, "ErrImagePull");
    await clock.advance(3);
    driver.behave({ image: "web:1" });
    await clock.settle();
    assert.deepEqual([web().ready, web().restartCount], [true, 0]);
    assert.ok(events.includes('Normal BackOff Back-off pulling image "web:1"'));
    lifecycle.abandon();
  });
});

describe("init containers", () => {
  const initContainers = [
    { name: "first", image: "init:1" },
    { name: "second", image: "init:2" },
  ];

  it("run one after the other before all others", async () => {
    const { clock, lifecycle, events } = live(podOf({ initContainers }));
    await clock.settle();
    const started = events.filter((text) => text.includes(" Started "));
    assert.deepEqual(
      started.map((text) => text.split(" ").at(-1)),
      ["first", "second", "web"],
    );
    assert.equal(lifecycle.status().phase, "Running");
    assert.equal(lifecycle.status().initContainerStatuses?.[1]?.state?.terminated?.exitCode, 0);
    lifecycle.abandon();
  });

  it("that cannot start keep the others waiting", async () => {
    const { clock, lifecycle, web } = live(podOf({ initContainers }), {
      image: "init:2",
      unknownImage: true,
    });
    await clock.advance(5);
    assert.equal(web().state?.waiting?.reason, "PodInitializing");
    assert.equal(conditions(lifecycle)["Initialized"], "False ContainersNotInitialized");
    assert.equal(lifecycle.status().phase, "Pending");
    lifecycle.abandon();
  });
});

describe("sidecars", () => {
  const sidecar = (name: string) => ({ name, image: "car:1", restartPolicy: "Always" });
  const names = (lifecycle: PodLifecycle) =>
    (lifecycle.status().initContainerStatuses ?? []).map(
      ({ name, state }) => `${name} ${Object.keys(state ?? {})}`,
    );

  it("start in their turn, and hold up what comes after them until their startup probes pass", async () => {
    const startupProbe = { httpGet: { port: 80 }, periodSeconds: 1, failureThreshold: 60 };
    const pod = podOf({
      initContainers: [
        { name: "first", image: "init:1" },
        { ...sidecar("car"), startupProbe },
        { name: "last", image: "init:1" },
      ],
    });
    const { clock, driver, lifecycle, web } = live(pod);
    let isUp = false;
    driver.check = async () => (isUp ? { healthy: true } : { healthy: false, message: "not yet" });
    await clock.advance(3);
    assert.deepEqual(names(lifecycle), ["first terminated", "car running", "last waiting"]);
    assert.equal(lifecycle.status().phase, "Pending");
    assert.equal(
      lifecycle.status().conditions?.find(({ type }) => type === "Initialized")?.message,
      "containers with incomplete status: [car last]",
    );
    isUp = true;
    await clock.advance(3);
    assert.deepEqual(names(lifecycle), ["first terminated", "car running", "last terminated"]);
    assert.equal(web().ready, true);
    assert.equal(lifecycle.status().phase, "Running");
  });

  it("end when all others have, one by one, the last one first, and only then has the pod", async () => {
    const pod = podOf({
      restartPolicy: "Never",
      initContainers: [sidecar("one"), sidecar("two")],
      terminationGracePeriodSeconds: 20,
    });
    const { clock, driver, lifecycle, running, events } = live(pod, {
      pod: "web-1",
      terminateAfterSeconds: 3,
    });
    await clock.settle();
    const main = await driver.resume({ pod, container: "web" });
    assert.ok(main.is === "running");
    main.container.signal("SIGTERM");
    await clock.advance(3.5);
    assert.deepEqual(names(lifecycle), ["one running", "two running"]);
    assert.equal(lifecycle.status().phase, "Running");
    await clock.advance(3);
    assert.deepEqual(names(lifecycle), ["one running", "two terminated"]);
    await clock.advance(3);
    await running;
    assert.equal(lifecycle.status().phase, "Succeeded");
    assert.deepEqual(
      events.filter((event) => event.includes("Killing")),
      ["Normal Killing Stopping container two", "Normal Killing Stopping container one"],
    );
  });

  it("run again whenever they end, whatever the pod's policy, and make the pod unready meanwhile", async () => {
    const pod = podOf({ restartPolicy: "Never", initContainers: [sidecar("car")] });
    const { clock, driver, lifecycle, web } = live(pod);
    await clock.settle();
    const car = await driver.resume({ pod, container: "car" });
    assert.ok(car.is === "running");
    car.container.signal("SIGKILL");
    await clock.settle();
    const [status] = lifecycle.status().initContainerStatuses ?? [];
    assert.equal(status?.restartCount, 1);
    assert.equal(web().restartCount, 0);
  });
});

describe("a pod with a deadline", () => {
  it("fails when it is over, and says so", async () => {
    const { clock, lifecycle, running, events } = live(podOf({ activeDeadlineSeconds: 5 }));
    await clock.advance(4);
    assert.equal(lifecycle.status().phase, "Running");
    await clock.advance(2);
    await running;
    const { phase, reason, message } = lifecycle.status();
    assert.deepEqual(
      [phase, reason, message],
      ["Failed", "DeadlineExceeded", "Pod was active on the node longer than the specified deadline"],
    );
    assert.equal(events.at(-1), "Normal Killing Stopping container web");
    assert.ok(events.some((event) => event.startsWith("Normal DeadlineExceeded ")));
    assert.equal(clock.pending, 0);
  });
});

describe("volumes", () => {
  it("are waited for, longer each time, and looked for at once when something has come", async () => {
    const clock = new ManualClock();
    const driver: SimulatedDriver & PodDriver = new SimulatedDriver({ clock });
    let isThere = false;
    let tell = () => {};
    driver.setUpVolumes = async () => (isThere ? [] : [{ volume: "v", message: 'secret "s" not found' }]);
    driver.followVolumes = (_pod, listener) => {
      tell = listener;
      return () => {};
    };
    const { lifecycle, events, web } = resumed(podOf(), clock, driver);
    await clock.advance(4);
    assert.deepEqual(
      events,
      Array(4).fill('Warning FailedMount MountVolume.SetUp failed for volume "v" : secret "s" not found'),
    );
    assert.deepEqual([lifecycle.status().phase, lifecycle.status().podIP], ["Pending", undefined]);
    assert.deepEqual(web().state, { waiting: { reason: "ContainerCreating" } });
    isThere = true;
    tell();
    await clock.settle();
    assert.equal(lifecycle.status().phase, "Running");
  });
});

describe("termination", () => {
  it("runs preStop, then asks, then kills when the grace period is over", async () => {
    const lifecycleHooks = { preStop: { sleep: { seconds: 4 } } };
    const pod = podOf({ containers: [{ name: "web", image: "web:1", lifecycle: lifecycleHooks }] });
    const { clock, lifecycle, web, running } = live(pod, { terminateAfterSeconds: 100 });
    await clock.settle();
    const stopped = lifecycle.stop(10, true);
    await clock.advance(9.9);
    assert.ok(web().state?.running);
    await clock.advance(0.1);
    assert.equal(web().state?.terminated?.exitCode, 137);
    await Promise.all([stopped, running]);
    assert.equal(clock.pending, 0);
  });

  it("ends as soon as the container does", async () => {
    const { clock, lifecycle, web, events } = live(podOf(), { terminateAfterSeconds: 3 });
    await clock.settle();
    const stopped = lifecycle.stop(30, true);
    await clock.advance(3);
    await stopped;
    assert.equal(web().state?.terminated?.exitCode, 0);
    assert.equal(web().restartCount, 0);
    assert.ok(events.includes("Normal Killing Stopping container web"));
    assert.equal(clock.pending, 0);
  });

  it("is shortened by a second request and never lengthened", async () => {
    const { clock, lifecycle, web } = live(podOf(), { terminateAfterSeconds: 100 });
    await clock.settle();
    const stopped = lifecycle.stop(30, true);
    await clock.advance(1);
    void lifecycle.stop(5, true);
    void lifecycle.stop(60, true);
    await clock.advance(4.9);
    assert.ok(web().state?.running);
    await clock.advance(0.1);
    await stopped;
    assert.equal(web().state?.terminated?.exitCode, 137);
  });

  it("leaves a container two seconds also when there is no grace period", async () => {
    const { clock, lifecycle, web } = live(podOf(), { terminateAfterSeconds: 1.5 });
    await clock.settle();
    const stopped = lifecycle.stop(0, true);
    await clock.advance(2);
    await stopped;
    assert.equal(web().state?.terminated?.exitCode, 0);
  });

  it("ends a pod that waits in back-off at once", async () => {
    const { clock, lifecycle } = live(podOf(), { crashAfterSeconds: 1 });
    await clock.advance(3);
    await lifecycle.stop(30, true);
    assert.equal(clock.pending, 0);
  });
});

describe("a new agent", () => {
  it("takes over running containers as they are", async () => {
    const { clock, driver, lifecycle } = live(podOf());
    await clock.settle();
    const status = lifecycle.status();
    lifecycle.abandon();
    await clock.advance(60);
    const next = resumed({ ...podOf(), status }, clock, driver);
    await clock.settle();
    assert.deepEqual(next.lifecycle.status(), status);
    assert.deepEqual(next.events, []);
    driver.crash("u-1");
    await clock.settle();
    assert.equal(next.web().restartCount, 1);
    next.lifecycle.abandon();
  });

  it("notices what has ended while nobody looked", async () => {
    const { clock, driver, lifecycle } = live(podOf());
    await clock.settle();
    const status = lifecycle.status();
    lifecycle.abandon();
    driver.crash("u-1", 7);
    const next = resumed({ ...podOf(), status }, clock, driver);
    await clock.settle();
    assert.deepEqual([next.web().restartCount, next.web().lastState?.terminated?.exitCode], [1, 7]);
    next.lifecycle.abandon();
  });

  it("starts again what is lost without a trace", async () => {
    const { clock, lifecycle } = live(podOf());
    await clock.settle();
    const status = lifecycle.status();
    lifecycle.abandon();
    const next = resumed({ ...podOf(), status }, clock, new SimulatedDriver({ clock }));
    await clock.settle();
    assert.equal(next.web().lastState?.terminated?.reason, "ContainerStatusUnknown");
    assert.deepEqual([next.web().restartCount, next.web().ready], [1, true]);
    next.lifecycle.abandon();
  });
});

describe("hooks", () => {
  it("that fail are told and do not stop the termination", async () => {
    class Refusing extends SimulatedDriver {
      override async check(_key: unknown, _handler: Handler): Promise<CheckResult> {
        return { healthy: false, message: "refused" };
      }
    }
    const clock = new ManualClock();
    const hooks = { preStop: { exec: { command: ["false"] } } };
    const pod = podOf({ containers: [{ name: "web", image: "web:1", lifecycle: hooks }] });
    const { lifecycle, events } = resumed(pod, clock, new Refusing({ clock }));
    await clock.settle();
    const stopped = lifecycle.stop(30, true);
    await clock.settle();
    await stopped;
    assert.ok(events.includes("Warning FailedPreStopHook PreStopHook failed"));
  });
});

/** A driver that plays pods, but for one call, which fails as long as `fails`. */
class FailingDriver extends SimulatedDriver {
  fails = true;
  readonly #call: string;

  constructor(clock: ManualClock, call: string) {
    super({ clock });
    this.#call = call;
  }

  override async prepare(pod: Pod): Promise<PodNetwork> {
    this.#failIn("prepare");
    return super.prepare(pod);
  }

  override async pull(key: ContainerKey): Promise<string> {
    this.#failIn("pull");
    return super.pull(key);
  }

  override async start(key: ContainerKey, run: number): Promise<RunningContainer> {
    this.#failIn("start");
    return super.start(key, run);
  }

  override async resume(key: ContainerKey): Promise<Earlier> {
    this.#failIn("resume");
    return super.resume(key);
  }

  override followImages(listener: () => void): Cancel {
    this.#failIn("followImages");
    return super.followImages(listener);
  }

  objectionTo(_key: ContainerKey): Objection | undefined {
    this.#failIn("objectionTo");
    return undefined;
  }

  #failIn(call: string): void {
    if (this.fails && call === this.#call) throw new TypeError("no space left");
  }
}

describe("a pod of which something fails that nobody has thought of", () => {
  const shown: Readonly<Record<string, string>> = {
    prepare: "CreatePodSandboxError",
    pull: "ErrImagePull",
    followImages: "ErrImagePull",
    start: "CreateContainerError",
    resume: "CreateContainerError",
  };

  for (const [call, reason] of Object.entries(shown)) {
    it(`says so and tries again: ${call}`, async () => {
      const clock = new ManualClock();
      const driver = new FailingDriver(clock, call);
      const { lifecycle, running, web, events } = resumed(podOf(), clock, driver);
      await clock.advance(1);
      assert.equal(web().state?.waiting?.reason, reason);
      assert.match(web().state?.waiting?.message ?? "", /no space left/);
      assert.ok(
        events.some((event) => /^Warning .*no space left/.test(event)),
        events.join("; "),
      );
      driver.fails = false;
      await clock.advance(30);
      assert.equal(web().ready, true);
      const stopped = lifecycle.stop(5, false);
      await clock.settle();
      await Promise.all([stopped, running]);
      assert.equal(clock.pending, 0);
    });

    it(`ends when it is to end: ${call}`, async () => {
      const clock = new ManualClock();
      const { lifecycle, running } = resumed(podOf(), clock, new FailingDriver(clock, call));
      await clock.advance(1);
      const stopped = lifecycle.stop(5, false);
      await clock.settle();
      await Promise.all([stopped, running]);
      assert.equal(clock.pending, 0);
    });
  }

  it("runs on when it cannot be inspected", async () => {
    const clock = new ManualClock();
    const { lifecycle, web, events } = resumed(podOf(), clock, new FailingDriver(clock, "objectionTo"));
    await clock.advance(2);
    assert.equal(web().ready, true);
    assert.ok(events.some((event) => event.startsWith("Warning Failed Error: cannot inspect")));
    lifecycle.abandon();
  });

  it("is adopted again when its run ends in an error", async () => {
    const clock = new ManualClock();
    const driver = new SimulatedDriver({ clock });
    let breakDown: (error: Error) => void = () => {};
    const start = driver.start.bind(driver);
    driver.start = async (key, run) => {
      const { id, startedAt } = await start(key, run);
      const exited = new Promise<never>((_, reject) => {
        breakDown = reject;
      });
      return { id, startedAt, exited, signal: () => {} };
    };
    const { lifecycle, web, events } = resumed(podOf(), clock, driver);
    await clock.advance(2);
    breakDown(new TypeError("lost"));
    await clock.settle();
    assert.match(web().state?.waiting?.message ?? "", /lost/);
    await clock.advance(15);
    assert.deepEqual([web().ready, web().restartCount], [true, 0]);
    assert.equal(events.filter((event) => event.startsWith("Normal Started")).length, 1);
    lifecycle.abandon();
  });
});

describe("a container without a readiness probe", () => {
  /** As a process is: nobody but its probes and its exit tells anything. */
  function process(behaviour: BehaviourRule, spec: Partial<PodSpec> = {}) {
    const clock = new ManualClock();
    const driver = new SimulatedDriver({ clock, behaviours: [behaviour] });
    const start = driver.start.bind(driver);
    driver.start = async (key, run) => {
      const running = await start(key, run);
      const { id, startedAt, exited } = running;
      return { id, startedAt, exited, signal: (name) => running.signal(name) };
    };
    const readyAt: number[] = [];
    const begin = clock.now();
    const lifecycle = new PodLifecycle({
      pod: podOf(spec),
      driver,
      clock,
      hostIp: "127.0.0.1",
      events: { record: () => {} },
      changed: () => {
        if (conditions(lifecycle)["Ready"] === "True") readyAt.push((clock.now() - begin) / 1000);
      },
    });
    void lifecycle.run();
    return { clock, driver, lifecycle, readyAt };
  }

  for (const seconds of [0, 0.05, 0.3, 0.5, 1, 1.3, 1.5, 1.9]) {
    it(`is never ready when its program ends after ${seconds} s`, async () => {
      const { clock, lifecycle, readyAt } = process({ crashAfterSeconds: seconds });
      await clock.advance(700);
      assert.deepEqual(readyAt, []);
      assert.ok((containerStatus(lifecycle).restartCount ?? 0) > 3);
      lifecycle.abandon();
    });
  }

  it("is ready when it has run for two seconds, also after a startup probe that passed at once", async () => {
    for (const spec of [{}, { containers: [{ name: "web", image: "web:1", startupProbe: { exec: {} } }] }]) {
      const { clock, lifecycle, readyAt } = process({}, spec);
      await clock.advance(10);
      assert.equal(readyAt[0], 2);
      lifecycle.abandon();
    }
  });

  it("is looked at again when the node agent was held up, and may not know yet that it has ended", async () => {
    const { clock, driver, lifecycle, readyAt } = process({});
    const at = clock.at.bind(clock);
    // The timers of three seconds all run at their end.
    clock.at = (instant, run) => at(later(instant, 3), run);
    await clock.advance(1);
    clock.at = at;
    await clock.advance(4.1);
    assert.deepEqual(readyAt, []);
    driver.crash("u-1");
    await clock.advance(1);
    assert.deepEqual(readyAt, []);
    lifecycle.abandon();
  });

  it("that becomes ready within a second is written down as ready from the next one on", async () => {
    const { clock, lifecycle } = process(
      { startAfterSeconds: 0.3 },
      {
        containers: [{ name: "web", image: "web:1", readinessProbe: { exec: {} } }],
      },
    );
    await clock.advance(0.3);
    const ready = lifecycle.status().conditions?.find(({ type }) => type === "Ready");
    assert.deepEqual([ready?.status, ready?.lastTransitionTime], ["True", "2026-01-01T00:00:01Z"]);
    lifecycle.abandon();
  });
});
