import { formatTime } from "../time/clock.ts";
import type { ReplicaSetView, RolloutView } from "../view/rollout-tree.ts";
import type { Role } from "../view/strategies.ts";
import { askOnce } from "./addresses.ts";
import type { LoadProcess } from "./load-process.ts";
import { type LoadReport, sum } from "./load-report.ts";
import type { Tour } from "./tour.ts";
import { RequestFailed, type WeatherAnswer } from "./weather-request.ts";

export const startSeconds = 120;
export const switchSeconds = 60;

export async function checkPaused(tour: Tour): Promise<void> {
  await tour.until("the new version to be ready", startSeconds, ({ phase }) => phase === "Paused");
  await tour.showTree();
  const view = await tour.view();
  tour.check(
    `status ${view.phase}, message ${view.message}`,
    view.phase === "Paused" && view.message === "BlueGreenPause",
    `${view.phase}, ${view.message}`,
  );
  const [newest, before] = view.revisions;
  const rolesOf = (sets: readonly ReplicaSetView[] | undefined): string =>
    sets?.map(({ roles }) => roles.join(",")).join(" ") ?? "";
  tour.check(
    `revision ${newest?.revision} is preview`,
    rolesOf(newest?.replicaSets) === "preview",
    rolesOf(newest?.replicaSets),
  );
  const isBefore = rolesOf(before?.replicaSets) === "stable,active";
  tour.check(`revision ${before?.revision} is stable,active`, isBefore, rolesOf(before?.replicaSets));
}

export async function askBoth(tour: Tour, active: string, preview: string): Promise<void> {
  const { addresses } = tour;
  for (const [role, address, wanted] of [
    ["active", addresses.active, active],
    ["preview", addresses.preview, preview],
  ] as const) {
    const { city, version, pod } = await firstAnswer(tour, address);
    const text = `${role.padEnd(7)} ${address.href} answers ${city}, version ${version} (pod ${pod})`;
    tour.check(text, version === wanted, `version ${wanted} was expected`);
  }
}

/** Without a readiness probe, as in the example, a pod counts as ready a moment before it listens. */
async function firstAnswer(tour: Tour, address: URL): Promise<WeatherAnswer> {
  let problem = "";
  const ask = async (): Promise<WeatherAnswer | undefined> => {
    try {
      return await askOnce(address);
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      problem = error.message;
      return undefined;
    }
  };
  return tour.untilAnswered(`an answer from ${address.href}`, switchSeconds, ask, () => problem);
}

/** That the switch was one for everybody, and cost nobody anything. */
export function checkSwitch(tour: Tour, report: LoadReport, to: string, from: string): void {
  const { requests, overOlderConnections, answersByVersion } = report.startedAfter;
  const old = answersByVersion[from] ?? 0;
  tour.check(
    `of ${requests} requests started after the confirmed switch, none was answered by version ${from}`,
    old === 0,
    `${old} were`,
  );
  tour.check(
    `${overOlderConnections} of them went over connections kept open from before`,
    overOlderConnections > 0,
    "without any of these, nothing is known about kept connections",
  );
  const across = report.answeredAcross[from] ?? 0;
  if (across > 0)
    tour.say(`  ${across} requests under way at that moment were still answered by version ${from}.`);
  const now = Object.keys(answersByVersion).join(", ");
  tour.check(`all of them were answered by version ${to}`, now === to, `by ${now}`);
  checkFailures(tour, report);
}

/** Waits until so many requests started after `since` are answered, some of them slow. */
export async function enough(
  tour: Tour,
  load: LoadProcess,
  since: bigint,
  requests: number,
): Promise<LoadReport> {
  let seen = 0;
  return tour.untilAnswered(
    `${requests} requests`,
    switchSeconds,
    async () => {
      const report = await load.report(since);
      seen = report.startedAfter.requests;
      return seen >= requests ? report : undefined;
    },
    () => `${seen} so far`,
  );
}

export function checkFailures(tour: Tour, report: LoadReport): void {
  const failures = sum(report.failuresByKind);
  const cut =
    report.cut === 0 ? "" : `; ${report.cut} were cut when the process that carries traffic was ended`;
  tour.check(`no request has failed (${report.requests} so far${cut})`, failures === 0, failureText(report));
}

export function failureText({ failuresByKind }: LoadReport): string {
  return Object.entries(failuresByKind)
    .map(([kind, number]) => `${number} × ${kind}`)
    .join(", ");
}

// Degraded alone is no rest: the Rollout is invalid for a moment, until its Services are there as well.
export function isAtRest({ phase }: RolloutView): boolean {
  return phase === "Healthy" || phase === "Paused";
}

export function isAborted({ phase, message }: RolloutView): boolean {
  return phase === "Degraded" && message.startsWith("RolloutAborted");
}

export function replicaSets(view: RolloutView): readonly ReplicaSetView[] {
  return view.revisions.flatMap(({ replicaSets: sets }) => sets);
}

export function hasRole({ images }: RolloutView, wanted: string, role: Role): boolean {
  return images.some(({ image, roles }) => image === wanted && roles.includes(role));
}

export function podsLeft(view: RolloutView): string {
  const old = replicaSets(view).filter(({ roles, pods }) => !roles.includes("active") && pods.length > 0);
  return old
    .map(
      ({ pods, scaleDownAt }) =>
        `${pods.length} pods${scaleDownAt === undefined ? "" : `, until ${formatTime(scaleDownAt)}`}`,
    )
    .join("; ");
}
