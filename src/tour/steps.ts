import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { RolloutView } from "../view/rollout-tree.ts";
import { readAddress } from "./addresses.ts";
import {
  askBoth,
  checkFailures,
  checkPaused,
  checkSwitch,
  enough,
  failureText,
  hasRole,
  isAborted,
  isAtRest,
  podsLeft,
  replicaSets,
  startSeconds,
  switchSeconds,
} from "./checks.ts";
import { LoadProcess, moment } from "./load-process.ts";
import { sum } from "./load-report.ts";
import type { Tour } from "./tour.ts";

export interface Step {
  readonly name: string;
  /** What is not merely shown, but looked at. */
  readonly checks: string;
  run(tour: Tour): Promise<void>;
}

const manifest = fileURLToPath(new URL("../../examples/weather/rollout.yaml", import.meta.url));
const activeService = "weather-test-app-hyd";
const previewService = "weather-test-app-ny";
const container = "rollouts-demo";
const imageOf = (version: string): string => `docker.io/atulinfracloud/weathersample:v${version}`;

const scaleDownSeconds = 120;
/** Requests after a switch that are looked at: enough that every kept connection is among them many times. */
const enoughRequests = 300;

/** A release from its first version to its second and back, in the order of time. */
export const steps: readonly Step[] = [
  {
    name: "Apply the example",
    checks: "the Rollout becomes Healthy with version 1",
    run: applyExample,
  },
  {
    name: "Find the addresses of its two Services",
    checks: "both answer, with version 1",
    run: findAddresses,
  },
  {
    name: "Send steady load to the active address",
    checks: "version 1 answers every request, over kept and over new connections",
    run: startLoad,
  },
  {
    name: "Look at the Rollout",
    checks: "Healthy, one revision that is stable,active",
    run: lookAtStable,
  },
  {
    name: "Give it version 2",
    checks: "Paused with BlueGreenPause; the new revision is preview, the old one stable,active",
    run: async (tour) => {
      await tour.teal("set", "image", tour.rollout, `${container}=${imageOf("2")}`);
      await checkPaused(tour);
    },
  },
  {
    name: "Ask both addresses",
    checks: "users still get version 1, the preview is version 2",
    run: (tour) => askBoth(tour, "1", "2"),
  },
  {
    name: "Promote version 2",
    checks: "no request started after the confirmed switch gets version 1, and none fails",
    run: (tour) => promoteTo(tour, "2", "1"),
  },
  {
    name: "Wait for the old stack to go",
    checks: "its pods end after scaleDownDelaySeconds, and nobody notices",
    run: awaitScaleDown,
  },
  {
    name: "Go back to version 1",
    checks: "Paused again, with the roles exchanged",
    run: async (tour) => {
      await tour.teal("undo", tour.rollout);
      await checkPaused(tour);
      await askBoth(tour, "2", "1");
    },
  },
  {
    name: "Promote version 1",
    checks: "no request started after the confirmed switch gets version 2, and none fails",
    run: (tour) => promoteTo(tour, "1", "2"),
  },
  {
    name: "Count",
    checks: "no failure in the whole tour",
    run: count,
  },
];

async function applyExample(tour: Tour): Promise<void> {
  await tour.teal("apply", "-f", relative(process.cwd(), manifest));
  const settled = (): Promise<RolloutView> =>
    tour.until("the Rollout to come to rest", startSeconds, (view) => isAtRest(view) || isAborted(view));
  let view = await settled();
  // A tour on the same data folder may have ended anywhere.
  while (view.phase !== "Healthy") {
    tour.say(
      `  The Rollout is ${view.phase} (${view.message}) from an earlier tour, and is brought to version 1.`,
    );
    await tour.teal(...(isAborted(view) ? ["retry", "rollout"] : ["promote"]), tour.rollout);
    const { phase } = view;
    await tour.until("the Rollout to go on", switchSeconds, (seen) => seen.phase !== phase);
    view = await settled();
  }
  view = await tour.until(
    "earlier versions to be scaled down",
    scaleDownSeconds,
    (seen) => replicaSets(seen).every(({ roles, pods }) => roles.includes("active") || pods.length === 0),
    podsLeft,
  );
  const images = view.images.map(({ image }) => image).join(", ");
  tour.check("the Rollout is Healthy with version 1", images === imageOf("1"), `its images are ${images}`);
}

async function findAddresses(tour: Tour): Promise<void> {
  const find = (service: string): Promise<URL> =>
    tour.untilAnswered(
      `an address of ${service}`,
      startSeconds,
      async () => readAddress(await tour.context.cluster(), service),
      () => "the traffic process gives it one",
    );
  tour.addresses = { active: await find(activeService), preview: await find(previewService) };
  await askBoth(tour, "1", "1");
}

async function startLoad(tour: Tour): Promise<void> {
  const { href } = tour.addresses.active;
  const load = new LoadProcess(tour.program, href, tour.trafficEnds);
  tour.load = load;
  const began = moment();
  const report = await enough(tour, load, began, enoughRequests);
  checkFailures(tour, report);
  const versions = Object.keys(report.answersByVersion).join(", ");
  tour.check(
    `every answer comes from version 1 (${report.requests} so far)`,
    versions === "1",
    `from ${versions}`,
  );
}

async function lookAtStable(tour: Tour): Promise<void> {
  await tour.showTree();
  const view = await tour.view();
  const [first, ...others] = view.revisions.filter(({ replicaSets: sets }) =>
    sets.some(({ pods }) => pods.length > 0),
  );
  tour.check(`status ${view.phase}`, view.phase === "Healthy", view.phase);
  const roles = first?.replicaSets.map((each) => each.roles.join(",")).join(" ") ?? "no revision";
  tour.check(
    `revision ${first?.revision} alone has pods, and is stable,active`,
    others.length === 0 && roles === "stable,active",
    `${others.length + 1} revisions have pods, the newest is ${roles}`,
  );
  const ready = view.replicas.ready;
  tour.check(
    `${ready} of ${view.replicas.desired} pods are ready`,
    ready === view.replicas.desired,
    `${ready}`,
  );
}

async function promoteTo(tour: Tour, to: string, from: string): Promise<void> {
  const load = tour.runningLoad;
  const promotedAt = moment();
  await tour.teal("promote", tour.rollout);
  let confirmedAt: bigint | undefined;
  await tour.until("the confirmed switch", switchSeconds, (view) => {
    if (!hasRole(view, imageOf(to), "active")) return false;
    confirmedAt ??= moment();
    return true;
  });
  const confirmed = confirmedAt ?? moment();
  const seconds = secondsBetween(promotedAt, confirmed);
  tour.switches.push({ to, seconds });
  tour.say(`  The status confirms the switch ${milliseconds(seconds)} after the promote.`);
  const report = await enough(tour, load, confirmed, enoughRequests);
  const first = (await load.report(promotedAt)).firstAnswerAt[to];
  const after = first === undefined ? "never" : milliseconds(secondsBetween(promotedAt, BigInt(first)));
  tour.check(
    `the first answer of version ${to} came ${after} after the promote`,
    first !== undefined,
    "there was none",
  );
  checkSwitch(tour, report, to, from);
}

async function awaitScaleDown(tour: Tour): Promise<void> {
  const view = await tour.until(
    "the old stack to be scaled down",
    scaleDownSeconds,
    (seen) => replicaSets(seen).every(({ roles, pods }) => roles.includes("active") || pods.length === 0),
    podsLeft,
  );
  const gone = replicaSets(view).filter(({ status }) => status === "ScaledDown");
  tour.check(
    `${gone.map(({ name }) => name).join(", ")} is scaled down`,
    gone.length > 0,
    "no ReplicaSet is scaled down",
  );
  checkFailures(tour, await tour.runningLoad.report(moment()));
  await tour.showTree();
}

async function count(tour: Tour): Promise<void> {
  const report = await tour.runningLoad.stop();
  const answers = Object.entries(report.answersByVersion)
    .map(([version, number]) => `version ${version}: ${number}`)
    .join(", ");
  const latencies = tour.switches.map(({ to, seconds }) => `${milliseconds(seconds)} (to version ${to})`);
  const failures = sum(report.failuresByKind);
  const rows = [
    ["Requests", `${report.requests}  (${answers})`],
    ["Failures", `${failures}${failures === 0 ? "" : `  (${failureText(report)})`}`],
    ...(report.cut === 0 ? [] : [["Cut", `${report.cut}  (with the process that carried them)`]]),
    ["Switches", `${tour.switches.length}`],
    ["Promote to confirmed switch", latencies.join(", ")],
  ];
  tour.say(rows.map(([name = "", value = ""]) => `    ${name.padEnd(29)}${value}`).join("\n"));
  checkFailures(tour, report);
  tour.check("users were switched 2 times", tour.switches.length === 2, `${tour.switches.length} times`);
}

function secondsBetween(from: bigint, to: bigint): number {
  return Number(to - from) / 1e9;
}

function milliseconds(seconds: number): string {
  return `${(seconds * 1000).toFixed(0)} ms`;
}
