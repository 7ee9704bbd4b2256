// Switches users back and forth between two versions on an embedded cluster of its own, under load, and counts what they notice.
// Run with `node bench/switches.ts --switches 100`; about 2 s for each switch. Exit code 1 when any request failed, or
// when a version answered a request that was started after the confirmed switch away from it.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { resources } from "../src/api/resources.ts";
import { connect } from "../src/cli/cluster-access.ts";
import { ownProgram } from "../src/cli/cluster-up.ts";
import type { Context } from "../src/cli/command.ts";
import { type RolloutWatch, watchRollout } from "../src/cli/rollout-watch.ts";
import { runIn } from "../src/cli/run.ts";
import { processTerminal } from "../src/cli/terminal.ts";
import { dataFolder } from "../src/cluster/supervisor/data-folder.ts";
import { Supervisor } from "../src/cluster/supervisor/supervisor.ts";
import { commands } from "../src/commands.ts";
import { parts } from "../src/parts/parts.ts";
import { later } from "../src/time/clock.ts";
import { SystemClock } from "../src/time/system-clock.ts";
import { readAddress } from "../src/tour/addresses.ts";
import { LoadProcess, moment } from "../src/tour/load-process.ts";
import { type LoadReport, sum } from "../src/tour/load-report.ts";
import type { RolloutView } from "../src/view/rollout-tree.ts";

const name = "switches";
const requestsPerSwitch = 60;
const waitSeconds = 60;
const clock = new SystemClock();

const { values } = parseArgs({
  options: {
    switches: { type: "string", default: "100" },
    data: { type: "string" },
    port: { type: "string" },
  },
});
const count = Number(values.switches);
if (!Number.isInteger(count) || count < 1)
  throw new RangeError("--switches: must be a whole number from 1 on");

const temporary = values.data === undefined ? mkdtempSync(join(tmpdir(), "teal-switches-")) : undefined;
const data = dataFolder(values.data ?? temporary);
const supervisor = new Supervisor({
  parts,
  data,
  port: values.port === undefined ? await freePort() : Number(values.port),
  program: ownProgram(),
  clock,
  progress: { during: (_, work) => work, say: (line) => console.error(line) },
});
const interrupted = Promise.withResolvers<never>();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => interrupted.reject(new Error(`stopped by ${signal}`)));
try {
  await supervisor.start();
  process.exitCode = (await Promise.race([measure(), interrupted.promise])) ? 0 : 1;
} finally {
  await supervisor.stop();
  if (temporary !== undefined) rmSync(temporary, { recursive: true });
}
process.exit();

/** Answers whether nobody noticed anything. */
async function measure(): Promise<boolean> {
  const quiet = { ...processTerminal(), out: () => undefined };
  const cluster = connect(globalFlags(), clock, {});
  const context: Context = {
    terminal: quiet,
    clock,
    commands,
    global: globalFlags(),
    cluster: async () => cluster,
  };
  await cluster.client.create(resources.services, "default", service(`${name}-active`));
  await cluster.client.create(resources.services, "default", service(`${name}-preview`));
  await cluster.client.create(resources.rollouts, "default", rollout());
  const watch = await watchRollout(cluster, name, context, "everything");
  await until(watch, "the first version", ({ phase }) => phase === "Healthy");
  const load = new LoadProcess(ownProgram(), await activeAddress(context));
  const latencies: number[] = [];
  let oldAnswers = 0;
  try {
    await enough(load, moment());
    for (let number = 1; number <= count; number++) {
      const [from, to] = number % 2 === 1 ? ["1", "2"] : ["2", "1"];
      await cluster.client.patch(resources.rollouts, "default", name, {
        type: "merge",
        body: template(to, number),
      });
      await until(watch, `switch ${number}: the pause`, isPausedWith(to));
      const promotedAt = moment();
      await runIn(context, ["promote", name]);
      await until(watch, `switch ${number}: the confirmation`, isActive(to));
      const confirmedAt = moment();
      latencies.push(Number(confirmedAt - promotedAt) / 1e6);
      const report = await enough(load, confirmedAt);
      oldAnswers += report.startedAfter.answersByVersion[from] ?? 0;
    }
    const total = await load.stop();
    print(total, latencies, oldAnswers);
    return sum(total.failuresByKind) === 0 && oldAnswers === 0;
  } finally {
    watch.stop();
    await load.kill();
  }
}

function print(total: LoadReport, latencies: readonly number[], oldAnswers: number): void {
  const sorted = latencies.toSorted((a, b) => a - b);
  const quantile = (part: number): string =>
    `${(sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? 0).toFixed(0)} ms`;
  const rows: Readonly<Record<string, string | number>> = {
    switches: latencies.length,
    requests: total.requests,
    failures: `${sum(total.failuresByKind)} ${JSON.stringify(total.failuresByKind)}`,
    "answers of the old version after a confirmed switch": oldAnswers,
    "promote to confirmed switch, median": quantile(0.5),
    "promote to confirmed switch, 99th percentile": quantile(0.99),
    "promote to confirmed switch, longest": quantile(1),
  };
  for (const [title, value] of Object.entries(rows)) console.log(`${title.padEnd(54)}${value}`);
}

/** Waits until enough requests that were started after `since` are answered. */
async function enough(load: LoadProcess, since: bigint): Promise<LoadReport> {
  for (;;) {
    const report = await load.report(since);
    if (report.startedAfter.requests >= requestsPerSwitch) return report;
    await pause(0.1);
  }
}

async function activeAddress(context: Context): Promise<string> {
  for (;;) {
    const address = await readAddress(await context.cluster(), `${name}-active`);
    if (address !== undefined) return address.href;
    await pause(0.1);
  }
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => {
    clock.at(later(clock.now(), seconds), resolve);
  });
}

async function until(
  watch: RolloutWatch,
  what: string,
  holds: (view: RolloutView) => boolean,
): Promise<void> {
  const seen = Promise.withResolvers<void>();
  const look = (): void => {
    const view = watch.view();
    if (view !== undefined && holds(view)) seen.resolve();
  };
  const unsubscribe = watch.subscribe(look);
  const cancel = clock.at(later(clock.now(), waitSeconds), () => {
    const view = watch.view();
    seen.reject(
      new Error(`${what}: not within ${waitSeconds} s; the Rollout is ${view?.phase} ${view?.message}`),
    );
  });
  look();
  try {
    await seen.promise;
  } finally {
    unsubscribe();
    cancel();
  }
}

function isPausedWith(version: string): (view: RolloutView) => boolean {
  return ({ phase, images }) =>
    phase === "Paused" &&
    images.some(({ image, roles }) => image === imageOf(version) && roles.includes("preview"));
}

function isActive(version: string): (view: RolloutView) => boolean {
  return ({ images }) =>
    images.some(({ image, roles }) => image === imageOf(version) && roles.includes("active"));
}

function imageOf(version: string): string {
  return `docker.io/atulinfracloud/weathersample:v${version}`;
}

function service(serviceName: string): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: serviceName },
    spec: { type: "LoadBalancer", selector: { app: name }, ports: [{ port: 80, targetPort: 5000 }] },
  };
}

/** Each switch has a template of its own, so that none is the quick way back to a version that still runs. */
function template(version: string, number: number): object {
  const readinessProbe = { httpGet: { path: "/healthz", port: 5000 }, periodSeconds: 1 };
  const container = {
    name: "web",
    image: imageOf(version),
    ports: [{ containerPort: 5000 }],
    readinessProbe,
  };
  const metadata = { labels: { app: name }, annotations: { "bench/switch": String(number) } };
  return { spec: { template: { metadata, spec: { containers: [container] } } } };
}

function rollout(): object {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: { name },
    spec: {
      replicas: 2,
      revisionHistoryLimit: 2,
      selector: { matchLabels: { app: name } },
      ...(template("1", 0) as { spec: object }).spec,
      strategy: {
        blueGreen: {
          activeService: `${name}-active`,
          previewService: `${name}-preview`,
          autoPromotionEnabled: false,
          scaleDownDelaySeconds: 1,
        },
      },
    },
  };
}

function globalFlags(): Context["global"] {
  return {
    kubeconfig: data.kubeconfig,
    context: undefined,
    namespace: undefined,
    data: undefined,
    "request-timeout": undefined,
    help: false,
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
