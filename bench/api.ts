// The embedded API beside etcd and kube-apiserver: start, memory at rest, and how much of creates, patches, applies, lists and watches
// one second of one core does. Run with `node bench/api.ts --real COMMANDS`, kubectl on the PATH; COMMANDS is a folder with the commands
// that start and end a real control plane (`bench/api/clusters.ts`). Takes about a minute. Without `--real` Teal is measured alone.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { transportFor } from "../src/kubernetes/kubeconfig.ts";
import type { ApiRequest, Transport } from "../src/kubernetes/transport.ts";
import { later } from "../src/time/clock.ts";
import { pause } from "../src/time/pause.ts";
import { SystemClock } from "../src/time/system-clock.ts";
import {
  type MeasuredCluster,
  processorSeconds,
  residentMegabytes,
  startReal,
  startTeal,
} from "./api/clusters.ts";

const requestsAtOnce = 8;
const lists = 20;
const watchers = [1, 10, 50];
const restSeconds = 5;
const clock = new SystemClock();
const path = "/api/v1/namespaces/default/configmaps";
const pathOf = (index: number): string => `${path}/bench-${index}`;

const { values } = parseArgs({
  options: {
    real: { type: "string" },
    port: { type: "string", default: "21400" },
    objects: { type: "string", default: "500" },
  },
});
const objects = Number(values.objects);
const port = Number(values.port);
if (!Number.isInteger(objects) || objects < 1)
  throw new RangeError("--objects: must be a whole number from 1 on");
if (!Number.isInteger(port)) throw new RangeError("--port: must be a whole number");

interface Measured {
  readonly title: string;
  readonly value: number;
  /** Whether more of it is better. */
  readonly isGain: boolean;
  readonly unit: string;
}

const folder = mkdtempSync(join(tmpdir(), "teal-bench-api-"));
try {
  const own = await measure(() => startTeal(join(folder, "teal"), port));
  const { real } = values;
  const other =
    real === undefined ? [] : await measure(() => startReal(real, join(folder, "real"), port + 20));
  print(own, other);
} finally {
  rmSync(folder, { recursive: true });
}

async function measure(start: () => MeasuredCluster): Promise<readonly Measured[]> {
  const cluster = start();
  try {
    const { transport } = transportFor({ kubeconfig: cluster.kubeconfig, clock, env: {} });
    await pause(clock, later(clock.now(), restSeconds));
    const memory = residentMegabytes(cluster);
    return [
      { title: "start to the first kubectl get", value: cluster.startSeconds, isGain: false, unit: "s" },
      { title: "memory at rest", value: memory, isGain: false, unit: "MB" },
      ...(await work(cluster, transport)),
    ];
  } finally {
    cluster.stop();
  }
}

function configMap(index: number, text: string): object {
  const metadata = { name: `bench-${index}`, labels: { app: "bench" } };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data: { text, more: "some text more" } };
}

async function work(cluster: MeasuredCluster, transport: Transport): Promise<readonly Measured[]> {
  const send = (request: ApiRequest): Promise<void> => sendOne(transport, request);
  const patch = (index: number, text: string): Promise<void> =>
    send({
      method: "PATCH",
      path: pathOf(index),
      contentType: "application/merge-patch+json",
      body: { data: { text } },
    });
  const perCoreSecond = async (title: string, count: number, act: () => Promise<void>): Promise<Measured> => {
    const before = processorSeconds(cluster);
    await act();
    const value = count / (processorSeconds(cluster) - before);
    return { title, value, isGain: true, unit: "per core-second" };
  };
  const measured = [
    await perCoreSecond("create", objects, () =>
      each(objects, (index) => send({ method: "POST", path, body: configMap(index, "first") })),
    ),
    await perCoreSecond("merge patch", objects, () => each(objects, (index) => patch(index, "second"))),
    await perCoreSecond("server-side apply", objects, () =>
      each(objects, (index) =>
        send({
          method: "PATCH",
          path: pathOf(index),
          query: { fieldManager: "bench", force: "true" },
          contentType: "application/apply-patch+yaml",
          body: configMap(index, "third"),
        }),
      ),
    ),
    await perCoreSecond(`objects in lists of ${objects}`, objects * lists, () =>
      each(lists, () => send({ method: "GET", path })),
    ),
  ];
  for (const count of watchers) {
    const open = await openWatches(transport, count);
    const title = `events to ${count} watchers`;
    measured.push(
      await perCoreSecond(title, objects * count, async () => {
        await each(objects, (index) => patch(index, `seen by ${count}`));
        await open.told(objects);
      }),
    );
    open.cancel();
  }
  return measured;
}

async function sendOne(transport: Transport, request: ApiRequest): Promise<void> {
  const { code, body } = await transport.request(request);
  if (code >= 300) throw new Error(`${request.method} ${request.path}: ${code} ${JSON.stringify(body)}`);
}

/** `act` for each index below `count`, some at once. */
async function each(count: number, act: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: requestsAtOnce }, one));
}

interface OpenWatches {
  /** Resolves when each has told that many events. */
  readonly told: (events: number) => Promise<void>;
  readonly cancel: () => void;
}

async function openWatches(transport: Transport, count: number): Promise<OpenWatches> {
  const { body } = await transport.request({ method: "GET", path, query: { limit: "1" } });
  const { resourceVersion } = (body as { metadata: { resourceVersion: string } }).metadata;
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  const counts: number[] = [];
  let progress = Promise.withResolvers<void>();
  const opened = Array.from({ length: count }, (_, at) => {
    counts[at] = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = transport.watch(
      { method: "GET", path, query: { watch: "true", resourceVersion } },
      {
        opened: resolve,
        event: () => {
          counts[at] = (counts[at] ?? 0) + 1;
          progress.resolve();
        },
        ended: (error) => failure.reject(error ?? new Error("a watch has ended")),
      },
    );
    return { promise, cancel };
  });
  await Promise.race([Promise.all(opened.map(({ promise }) => promise)), failure.promise]);
  return {
    async told(events) {
      while (counts.some((told) => told < events)) {
        await Promise.race([progress.promise, failure.promise]);
        progress = Promise.withResolvers();
      }
    },
    cancel: () => {
      for (const { cancel } of opened) cancel();
    },
  };
}

function print(own: readonly Measured[], other: readonly Measured[]): void {
  console.log(["", "teal", "real", "ratio"].map(cell).join(""));
  for (const [at, { title, value, isGain, unit }] of own.entries()) {
    const beside = other[at]?.value;
    const ratio =
      beside === undefined ? "" : `${(value / beside).toFixed(2)} (${isGain ? "more" : "less"} is better)`;
    console.log(
      [`${title}, ${unit}`, shown(value), beside === undefined ? "" : shown(beside), ratio]
        .map(cell)
        .join(""),
    );
  }
}

function cell(text: string, at: number): string {
  return text.padEnd(at === 0 ? 52 : 12);
}

function shown(value: number): string {
  return value < 100 ? value.toFixed(1) : value.toFixed(0);
}
