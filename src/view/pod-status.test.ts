import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ContainerState, ContainerStatus, Pod } from "../api/core.ts";
import { podProblemOf, podStatusOf } from "./pod-status.ts";

const running: ContainerState = { running: { startedAt: "2026-01-01T00:00:00Z" } };

function container(
  name: string,
  state: ContainerState,
  more: Partial<ContainerStatus> = {},
): ContainerStatus {
  return { name, image: "app", imageID: "", ready: false, restartCount: 0, state, ...more };
}

function pod(
  status: Pod["status"],
  more: { deleting?: boolean; init?: Pod["spec"]["containers"] } = {},
): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "app", ...(more.deleting ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}) },
    spec: {
      containers: [{ name: "a" }, { name: "b" }],
      ...(more.init === undefined ? {} : { initContainers: more.init }),
    },
    ...(status === undefined ? {} : { status }),
  };
}

const waiting = (reason: string): ContainerState => ({ waiting: { reason } });
const ready = container("a", running, { ready: true });

describe("what a pod is shown as", () => {
  const cases: readonly [
    what: string,
    pod: Pod,
    status: string,
    icon: string,
    ready: number,
    restarts: number,
  ][] = [
    ["a pod that no node has taken", pod({ phase: "Pending" }), "Pending", "◌", 0, 0],
    ["a pod without status", pod(undefined), "Unknown", "?", 0, 0],
    [
      "a container that serves beside one that does not yet",
      pod({ phase: "Running", containerStatuses: [ready, container("b", running, { restartCount: 2 })] }),
      "Running",
      "✔",
      1,
      2,
    ],
    [
      "a container that crashes again and again",
      pod({
        phase: "Running",
        containerStatuses: [ready, container("b", waiting("CrashLoopBackOff"), { restartCount: 5 })],
      }),
      "CrashLoopBackOff",
      "✖",
      1,
      5,
    ],
    [
      "an image that cannot be had",
      pod({ phase: "Pending", containerStatuses: [container("a", waiting("ErrImagePull"))] }),
      "ErrImagePull",
      "⚠",
      0,
      0,
    ],
    [
      "an image that is tried again later",
      pod({ phase: "Pending", containerStatuses: [container("a", waiting("ImagePullBackOff"))] }),
      "ImagePullBackOff",
      "⚠",
      0,
      0,
    ],
    [
      "containers that cannot be started",
      pod({ phase: "Pending", containerStatuses: [container("a", waiting("CreateContainerConfigError"))] }),
      "CreateContainerConfigError",
      "⚠",
      0,
      0,
    ],
    [
      "one container done and one running",
      pod({
        phase: "Running",
        containerStatuses: [
          container("a", { terminated: { exitCode: 0, reason: "Completed" } }),
          container("b", running, { ready: true }),
        ],
      }),
      "Running",
      "✔",
      1,
      0,
    ],
    [
      "all containers done",
      pod({
        phase: "Succeeded",
        containerStatuses: [container("a", { terminated: { exitCode: 0, reason: "Completed" } })],
      }),
      "Completed",
      "✔",
      0,
      0,
    ],
    [
      "a container that ended with a code and no reason",
      pod({ phase: "Failed", containerStatuses: [container("a", { terminated: { exitCode: 3 } })] }),
      "ExitCode:3",
      "✖",
      0,
      0,
    ],
    [
      "a container that was killed",
      pod({
        phase: "Failed",
        containerStatuses: [container("a", { terminated: { exitCode: 137, signal: 9 } })],
      }),
      "Signal:9",
      "✖",
      0,
      0,
    ],
    ["an evicted pod", pod({ phase: "Failed", reason: "Evicted" }), "Evicted", " ", 0, 0],
    [
      "a pod that is being deleted",
      pod({ phase: "Running", containerStatuses: [ready] }, { deleting: true }),
      "Terminating",
      "◌",
      1,
      0,
    ],
    [
      "a pod whose node is lost",
      pod({ phase: "Running", reason: "NodeLost" }, { deleting: true }),
      "Unknown",
      "?",
      0,
      0,
    ],
    [
      "the second of two init containers at work",
      pod(
        {
          phase: "Pending",
          initContainerStatuses: [
            container("one", { terminated: { exitCode: 0 } }, { restartCount: 1 }),
            container("two", running),
          ],
          containerStatuses: [container("a", waiting("PodInitializing"))],
        },
        { init: [{ name: "one" }, { name: "two" }] },
      ),
      "Init:1/2",
      "◌",
      0,
      1,
    ],
    [
      "an init container that fails",
      pod(
        {
          phase: "Pending",
          initContainerStatuses: [container("one", waiting("CrashLoopBackOff"), { restartCount: 3 })],
        },
        { init: [{ name: "one" }] },
      ),
      "Init:CrashLoopBackOff",
      "◌",
      0,
      3,
    ],
    [
      "a sidecar that runs, and the containers after it",
      pod(
        {
          phase: "Running",
          initContainerStatuses: [container("proxy", running, { started: true, ready: true })],
          containerStatuses: [ready, container("b", running, { ready: true })],
        },
        { init: [{ name: "proxy", restartPolicy: "Always" }] },
      ),
      "Running",
      "✔",
      2,
      0,
    ],
  ];
  for (const [what, given, status, icon, readyContainers, restarts] of cases) {
    it(`${what}: ${status}`, () => {
      assert.deepEqual(podStatusOf(given), { status, icon, readyContainers, containers: 2, restarts });
    });
  }
});

describe("what holds a pod up", () => {
  const held = (reason: string, message: string): ContainerState => ({ waiting: { reason, message } });
  const cases: readonly [what: string, pod: Pod, problem: string | undefined][] = [
    [
      "is what the first container that is stuck says",
      pod({
        containerStatuses: [
          container("a", running),
          container("b", held("ErrImagePull", "no image b")),
          container("c", held("CrashLoopBackOff", "back-off")),
        ],
      }),
      "no image b",
    ],
    [
      "is first of all an init container",
      pod({
        initContainerStatuses: [container("i", held("CrashLoopBackOff", "back-off"))],
        containerStatuses: [container("a", held("ErrImagePull", "no image a"))],
      }),
      "back-off",
    ],
    ...(
      [
        ["", "Error", "container a keeps ending with exit code 3"],
        ["first\nno database\n", "Error", "container a keeps ending with exit code 3: no database"],
        ["", "OOMKilled", "container a keeps ending with exit code 3 (OOMKilled)"],
      ] as const
    ).map(([message, reason, problem]): [string, Pod, string] => [
      `is how a container that crashes has ended: ${problem}`,
      pod({
        containerStatuses: [
          container(
            "a",
            held("CrashLoopBackOff", "back-off 10s restarting failed container=a pod=p_ns(uid)"),
            {
              lastState: { terminated: { exitCode: 3, reason, message } },
            },
          ),
        ],
      }),
      problem,
    ]),
    [
      "is nothing while containers are made",
      pod({ containerStatuses: [container("a", held("ContainerCreating", "soon"))] }),
      undefined,
    ],
    ["is nothing without a message", pod({ containerStatuses: [container("a", waiting("X"))] }), undefined],
    [
      "is nothing when the pod is to go anyway",
      pod({ containerStatuses: [container("a", held("ErrImagePull", "no"))] }, { deleting: true }),
      undefined,
    ],
  ];
  for (const [what, given, problem] of cases) {
    it(what, () => assert.equal(podProblemOf(given), problem));
  }
});
