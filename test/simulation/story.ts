import type { BlueGreenStrategy, RolloutSpec } from "../../src/api/rollout.ts";
import { type Dialect, dialects } from "../../src/cluster/in-process/dialect.ts";
import type { PodBehaviour } from "../../src/cluster/node/simulated-behaviour.ts";
import type { Application } from "../scenarios/bed/setting.ts";
import type { Failure } from "../scenarios/bed/severed-transport.ts";
import { Random } from "./random.ts";

type Role = "active" | "preview";

/** What people and machines do to one Rollout. */
export type Deed =
  | { readonly do: "deploy"; readonly version: string }
  | { readonly do: "undo" | "promote" | "promoteFull" | "abort" | "retry" | "pause" | "resume" }
  | { readonly do: "scale"; readonly replicas: number }
  | { readonly do: "strip"; readonly role: Role }
  | { readonly do: "point"; readonly role: Role; readonly version: string }
  | { readonly do: "deleteService" | "createService"; readonly role: Role }
  | { readonly do: "breakSpec"; readonly how: "absent preview" | "one Service for both" | "selector" }
  | { readonly do: "mendSpec" }
  | { readonly do: "strategy"; readonly fields: Pick<BlueGreenStrategy, "autoPromotionEnabled"> }
  | { readonly do: "deletePod"; readonly version: string }
  | { readonly do: "podsBehave"; readonly version: string; readonly behaviour: PodBehaviour }
  | { readonly do: "podFails"; readonly version: string }
  | { readonly do: "loseStatus"; readonly fields: readonly string[] | "all" }
  | {
      readonly do: "deleteReplicaSet";
      readonly version: string;
      readonly propagation: "Background" | "Foreground";
    }
  | { readonly do: "orphanAndApply" };

export const watched = ["rollouts", "replicasets", "services", "endpointslices", "pods"] as const;

/** What goes wrong between the controller and the API server, and in the cluster's own controllers. */
export type Fault =
  | { readonly fault: "kill"; readonly afterWrites: number; readonly downSeconds: number }
  | {
      readonly fault: "fail writes";
      readonly failure: Failure;
      readonly after: number;
      readonly times: number;
    }
  | {
      readonly fault: "late events";
      readonly of: Watched;
      readonly lateSeconds: number;
      readonly forSeconds: number;
    }
  | { readonly fault: "lost events"; readonly of: Watched; readonly forSeconds: number }
  | { readonly fault: "repeated events"; readonly of: Watched }
  | { readonly fault: "broken watch"; readonly of: Watched; readonly with: "410" | "reset" | "end" }
  | { readonly fault: "failing reads"; readonly forSeconds: number }
  | {
      readonly fault: "slow endpoints" | "slow statuses";
      readonly bySeconds: number;
      readonly forSeconds: number;
    };

export type Watched = (typeof watched)[number];

export interface Moment {
  /** Time since the moment before. */
  readonly afterSeconds: number;
  /** The Rollout that it happens to; a fault concerns all. */
  readonly to: string;
  readonly what: Deed | Fault;
}

/** Everything that happens in one simulated cluster; data, so that it can be printed, cut down and played again. */
export interface Story {
  readonly dialect: Dialect;
  readonly applications: readonly Application[];
  /** Seconds until each version's pods are ready. */
  readonly readyAfterSeconds: Readonly<Record<string, number>>;
  /** Seconds until requests follow a Service. */
  readonly routesAfterSeconds: number;
  readonly moments: readonly Moment[];
}

export function isFault(what: Deed | Fault): what is Fault {
  return "fault" in what;
}

/** The Rollout of somebody who copied the manifest of `web` and forgot to change the Service. */
export const copyName = "web-copy";

const versions = ["v1", "v2", "v3", "v4"] as const;

export function storyOf(seed: number): Story {
  const random = new Random(seed);
  const applications = applicationsOf(random);
  const moments: Moment[] = applications.map(({ name }) => ({
    afterSeconds: 0.25,
    to: name,
    what: { do: "deploy", version: "v1" },
  }));
  for (let rest = random.integer(4, 24); rest > 0; rest--) moments.push(...momentsOf(random, applications));
  return {
    dialect: random.pick(dialects),
    applications,
    readyAfterSeconds: Object.fromEntries(
      versions.map((version) => [version, random.pick([0, 0, 1.5, 7, 25])]),
    ),
    routesAfterSeconds: random.pick([0, 0, 0, 2, 15]),
    moments,
  };
}

function applicationsOf(random: Random): readonly Application[] {
  const names = random.weighted([
    [5, () => ["web"]],
    [3, () => ["web", "api"]],
    [1, () => ["web", "api", "shop"]],
  ]);
  const own = names.map((name) => applicationOf(random, name));
  const copy: Application = {
    name: copyName,
    strategy: { activeService: "web" },
    spec: { replicas: 1 },
  };
  return random.chance(0.1) ? [...own, copy] : own;
}

function applicationOf(random: Random, name: string): Application {
  const maybe = <T extends object>(probability: number, fields: () => T): Partial<T> =>
    random.chance(probability) ? fields() : {};
  const strategy: BlueGreenStrategy = {
    activeService: name,
    ...maybe(0.8, () => ({ previewService: `${name}-preview` })),
    ...maybe(0.7, () => ({ autoPromotionEnabled: random.chance(0.2) })),
    ...maybe(0.3, () => ({ autoPromotionSeconds: random.pick([1, 10, 45]) })),
    ...maybe(0.5, () => ({ scaleDownDelaySeconds: random.pick([0, 1, 10, 60, 600]) })),
    ...maybe(0.4, () => ({ abortScaleDownDelaySeconds: random.pick([0, 1, 10, 60]) })),
    ...maybe(0.3, () => ({ previewReplicaCount: random.integer(1, 2) })),
  };
  const spec: RolloutSpec = {
    replicas: random.integer(1, 4),
    ...maybe(0.2, () => ({ minReadySeconds: random.integer(1, 5) })),
    ...maybe(0.3, () => ({ progressDeadlineSeconds: random.pick([20, 90]) })),
    ...maybe(0.3, () => ({ progressDeadlineAbort: random.chance(0.8) })),
    ...maybe(0.3, () => ({ revisionHistoryLimit: random.integer(0, 2) })),
    ...maybe(0.2, () => ({ rollbackWindow: { revisions: random.integer(1, 2) } })),
  };
  const { revisionHistoryLimit = 10 } = spec;
  // A larger one is refused.
  const scaleDownDelayRevisionLimit = random.integer(0, Math.min(2, revisionHistoryLimit));
  return random.chance(0.2)
    ? { name, strategy: { ...strategy, scaleDownDelayRevisionLimit }, spec }
    : { name, strategy, spec };
}

function momentsOf(random: Random, applications: readonly Application[]): readonly Moment[] {
  const application = random.pick(applications);
  const to = application.name;
  const moment = (what: Deed | Fault): Moment => ({ afterSeconds: pauseOf(random), to, what });
  if (random.chance(0.35)) return [moment(faultOf(random))];
  if (to === copyName) return [moment({ do: "scale", replicas: random.integer(0, 3) })];
  const hasPreview = application.strategy.previewService !== undefined;
  const role = (): Role => (hasPreview && random.chance(0.4) ? "preview" : "active");
  const version = (): string => random.pick(versions);
  const one = (what: Deed) => (): readonly Moment[] => [moment(what)];
  return random.weighted<readonly Moment[]>([
    [16, () => [moment({ do: "deploy", version: version() })]],
    [4, one({ do: "undo" })],
    [15, one({ do: "promote" })],
    [3, one({ do: "promoteFull" })],
    [7, one({ do: "abort" })],
    [5, one({ do: "retry" })],
    [2, one({ do: "pause" })],
    [3, one({ do: "resume" })],
    [6, () => [moment({ do: "scale", replicas: random.pick([0, 1, 2, 3, 4, 5]) })]],
    [1, () => autoscale(random, to)],
    [3, () => [moment({ do: "strip", role: role() })]],
    [3, () => [moment({ do: "point", role: role(), version: version() })]],
    [
      2,
      () => {
        const of = role();
        return [moment({ do: "deleteService", role: of }), moment({ do: "createService", role: of })];
      },
    ],
    [
      2,
      () => {
        const how = random.pick(["absent preview", "one Service for both", "selector"] as const);
        return [moment({ do: "breakSpec", how }), moment({ do: "mendSpec" })];
      },
    ],
    [2, () => [moment({ do: "strategy", fields: { autoPromotionEnabled: random.chance(0.3) } })]],
    [3, () => [moment({ do: "deletePod", version: version() })]],
    [5, () => [moment({ do: "podsBehave", version: version(), behaviour: behaviourOf(random) })]],
    [2, () => [moment({ do: "podFails", version: version() })]],
    [2, () => [moment({ do: "loseStatus", fields: lossOf(random) })]],
    [
      1,
      () => {
        const propagation = random.pick(["Background", "Foreground"] as const);
        return [moment({ do: "deleteReplicaSet", version: version(), propagation })];
      },
    ],
    [1, one({ do: "orphanAndApply" })],
  ]);
}

/** An autoscaler that follows a wave of requests. */
function autoscale(random: Random, to: string): readonly Moment[] {
  const afterSeconds = random.pick([2, 15, 60]);
  return Array.from({ length: random.integer(3, 8) }, () => {
    return { afterSeconds, to, what: { do: "scale", replicas: random.integer(1, 5) } };
  });
}

/** Most things happen while the ones before are still under way. */
function pauseOf(random: Random): number {
  return random.weighted([
    [4, () => random.integer(1, 200) / 1000],
    [5, () => random.integer(200, 6000) / 1000],
    [4, () => random.integer(6_000, 50_000) / 1000],
    [1, () => random.integer(50, 800)],
  ]);
}

function behaviourOf(random: Random): PodBehaviour {
  return random.weighted<PodBehaviour>([
    [3, () => ({})],
    [2, () => ({ crashAfterSeconds: random.pick([0, 0.3, 4, 20]) })],
    [2, () => ({ neverReady: true })],
    [1, () => ({ unknownImage: true })],
    [1, () => ({ startAfterSeconds: random.integer(20, 600) })],
    [1, () => ({ terminateAfterSeconds: 8 })],
    [1, () => ({ unreadyAfterSeconds: random.integer(1, 30) })],
  ]);
}

// Not `pauseConditions`: without them alone, a promotion has been given.
const statusFields = [
  "stableRS",
  "currentPodHash",
  "controllerPause",
  "conditions",
  "blueGreen",
  "observedGeneration",
  "abort",
] as const;

function lossOf(random: Random): readonly string[] | "all" {
  return random.chance(0.3) ? "all" : [random.pick(statusFields)];
}

function faultOf(random: Random): Fault {
  const of = random.pick(watched);
  const forSeconds = random.pick([0.5, 3, 20]);
  return random.weighted<Fault>([
    [
      6,
      () => ({
        fault: "kill",
        afterWrites: random.integer(0, 8),
        downSeconds: random.pick([0, 0.5, 5, 60]),
      }),
    ],
    [
      6,
      () => ({
        fault: "fail writes",
        failure: random.pick(["conflict", "server error", "lost before", "lost after"] as const),
        after: random.integer(0, 6),
        times: random.integer(1, 3),
      }),
    ],
    [5, () => ({ fault: "late events", of, lateSeconds: random.pick([0.05, 0.5, 4]), forSeconds })],
    [2, () => ({ fault: "lost events", of, forSeconds })],
    [2, () => ({ fault: "repeated events", of })],
    [3, () => ({ fault: "broken watch", of, with: random.pick(["410", "reset", "end"] as const) })],
    [1, () => ({ fault: "failing reads", forSeconds })],
    [2, () => ({ fault: "slow endpoints", bySeconds: random.pick([0.5, 3, 12]), forSeconds })],
    [2, () => ({ fault: "slow statuses", bySeconds: random.pick([0.05, 1, 5]), forSeconds })],
  ]);
}

/** The story in lines that a person can read. */
export function tell(story: Story): string {
  const { dialect, readyAfterSeconds, routesAfterSeconds } = story;
  const lines = [
    `on ${dialect}; pods ready after ${JSON.stringify(readyAfterSeconds)} s, requests follow after ${routesAfterSeconds} s`,
  ];
  for (const { name, strategy, spec } of story.applications)
    lines.push(`given ${name}: ${JSON.stringify(strategy)} ${JSON.stringify(spec)}`);
  let at = 0;
  for (const { afterSeconds, to, what } of story.moments) {
    at += afterSeconds;
    const { name, rest } = split(what);
    const about = Object.keys(rest).length === 0 ? "" : ` ${JSON.stringify(rest)}`;
    lines.push(`${at.toFixed(3).padStart(9)} s  ${isFault(what) ? "!" : `${to}:`} ${name}${about}`);
  }
  return lines.join("\n");
}

function split(what: Deed | Fault): { readonly name: string; readonly rest: object } {
  if ("fault" in what) {
    const { fault: name, ...rest } = what;
    return { name, rest };
  }
  const { do: name, ...rest } = what;
  return { name, rest };
}
