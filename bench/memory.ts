// Memory and processor time of `teal controller` against clusters of several sizes, over HTTP, with everything at rest.
// Run with `node bench/memory.ts`; takes about two minutes. Exit code 1 when any needs as much as the limit at any moment, or
// when anything is written although nothing has to be done.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { ownProgram } from "../src/cli/cluster-up.ts";
import { later } from "../src/time/clock.ts";
import { SystemClock } from "../src/time/system-clock.ts";
import { LargeCluster } from "./memory/large-cluster.ts";
import type { Usage } from "./memory/probe.ts";

const megabyte = 1_000_000;
const touched = 200;
const touchRounds = 10;
/** A process that uses less of this time has nothing to do. */
const restWindowSeconds = 1;
const restShare = 0.05;
const clock = new SystemClock();

const { values } = parseArgs({
  options: {
    rollouts: { type: "string", default: "1000,5000,10000" },
    "limit-megabytes": { type: "string", default: "400" },
  },
});
const sizes = values.rollouts.split(",").map(Number);
const limit = Number(values["limit-megabytes"]) * megabyte;

interface Measured {
  readonly size: number;
  readonly secondsToSynced: number;
  /** Processor time until all Rollouts have been looked at. */
  readonly secondsToRest: number;
  readonly atRest: Usage;
  /** Processor time for one Rollout that has changed. */
  readonly secondsPerChange: number;
  readonly atEnd: Usage;
  readonly writes: readonly string[];
}

const folder = mkdtempSync(join(tmpdir(), "teal-memory-"));
try {
  const results: Measured[] = [];
  for (const size of sizes) results.push(await measure(size));
  print(results);
  process.exitCode = judge(results) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}

async function measure(size: number): Promise<Measured> {
  const cluster = new LargeCluster(size);
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, kubeconfigOf(await cluster.listen()));
  const began = performance.now();
  const log = openSync(join(folder, `${size}.log`), "w");
  const child = startController(kubeconfig, log);
  try {
    await ready(child);
    const secondsToSynced = (performance.now() - began) / 1000;
    const first = await rest(child);
    const atRest = await ask(child, "live");
    const beforeChanges = await rest(child);
    for (let round = 1; round <= touchRounds; round++) {
      cluster.touch(Math.min(touched, size), round);
      await rest(child);
    }
    const afterChanges = await ask(child, "usage");
    const atEnd = await ask(child, "live");
    return {
      size,
      secondsToSynced,
      secondsToRest: first.seconds,
      atRest,
      secondsPerChange:
        (afterChanges.seconds - beforeChanges.seconds) / (Math.min(touched, size) * touchRounds),
      atEnd,
      writes: cluster.writes,
    };
  } finally {
    child.disconnect();
    await once(child, "exit");
    cluster.close();
  }
}

function startController(kubeconfig: string, log: number): ChildProcess {
  const probe = new URL("./memory/probe.ts", import.meta.url).href;
  const [node, program] = ownProgram();
  const words = ["--import", probe, program, "controller", "--kubeconfig", kubeconfig];
  return spawn(node, words, { stdio: ["ignore", log, log, "ipc"] });
}

async function ready(child: ChildProcess): Promise<void> {
  const [message] = (await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => [{ is: "ended" }]),
  ])) as [{ is?: string; reason?: string }];
  if (message.is !== "ready") throw new Error(`the controller cannot start: ${message.reason ?? message.is}`);
}

async function ask(child: ChildProcess, question: "usage" | "live"): Promise<Usage> {
  child.send(question);
  const [answer] = (await once(child, "message")) as [{ usage: Usage }];
  return answer.usage;
}

/** Waits until the process has nothing to do any more. */
async function rest(child: ChildProcess): Promise<Usage> {
  let before = await ask(child, "usage");
  for (;;) {
    await new Promise<void>((resolve) => clock.at(later(clock.now(), restWindowSeconds), resolve));
    const after = await ask(child, "usage");
    if (after.seconds - before.seconds < restWindowSeconds * restShare) return after;
    before = after;
  }
}

function print(results: readonly Measured[]): void {
  const megabytes = (bytes = 0): string => `${(bytes / megabyte).toFixed(0)} MB`;
  const rows: readonly (readonly [string, (measured: Measured) => string])[] = [
    ["Rollouts", ({ size }) => String(size)],
    ["until everything is known", ({ secondsToSynced }) => `${secondsToSynced.toFixed(1)} s`],
    ["processor time until all were looked at", ({ secondsToRest }) => `${secondsToRest.toFixed(1)} s`],
    [
      "processor time per changed Rollout",
      ({ secondsPerChange }) => `${(secondsPerChange * 1000).toFixed(2)} ms`,
    ],
    ["live objects", ({ atRest }) => megabytes(atRest.live)],
    ["live objects after the changes", ({ atEnd }) => megabytes(atEnd.live)],
    ["resident at rest", ({ atRest }) => megabytes(atRest.resident)],
    ["most resident at any moment", ({ atEnd }) => megabytes(atEnd.mostResident)],
    ["writes", ({ writes }) => String(writes.length)],
  ];
  for (const [title, text] of rows) {
    console.log(title.padEnd(42) + results.map((measured) => text(measured).padStart(10)).join(""));
  }
  const [smallest, largest] = [results[0], results.at(-1)];
  if (smallest === undefined || largest === undefined || smallest === largest) return;
  const growth = (of: (measured: Measured) => number): string =>
    `${((of(largest) - of(smallest)) / (largest.size - smallest.size) / 1000).toFixed(1)} kB`;
  console.log(
    `per further Rollout: ${growth(({ atRest }) => atRest.live ?? 0)} live, ` +
      `${growth(({ atEnd }) => atEnd.mostResident)} resident`,
  );
}

function judge(results: readonly Measured[]): boolean {
  const complaints = results.flatMap(({ size, atEnd, writes }) => [
    ...(atEnd.mostResident < limit ? [] : [`${size} Rollouts needed ${limit / megabyte} MB or more`]),
    ...(writes.length === 0 ? [] : [`${size} Rollouts at rest: ${writes.length} writes, first ${writes[0]}`]),
  ]);
  for (const complaint of complaints) console.error(complaint);
  return complaints.length === 0;
}

function kubeconfigOf(server: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "large", cluster: { server } }],
    users: [{ name: "nobody", user: {} }],
    contexts: [{ name: "large", context: { cluster: "large", user: "nobody" } }],
    "current-context": "large",
  });
}
