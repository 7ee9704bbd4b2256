import type { Pod } from "../../api/core.ts";
import { hasLabels } from "../../api/label-selector.ts";

/** How a simulated pod's containers (not its init containers) behave. Times in seconds; what is absent happens at once or never. */
export interface PodBehaviour {
  /** Running that much after the start was asked for. */
  readonly startAfterSeconds?: number | undefined;
  /** Ready that much after running; by default the readiness probe's initial delay. */
  readonly readyAfterSeconds?: number | undefined;
  readonly neverReady?: boolean | undefined;
  readonly unreadyAfterSeconds?: number | undefined;
  /** Liveness probes fail that much after running. */
  readonly unhealthyAfterSeconds?: number | undefined;
  /** A run ends by itself that much after it began, with `exitCode` (1 if absent). */
  readonly crashAfterSeconds?: number | undefined;
  /** How many runs of a container end so; all if absent. */
  readonly crashes?: number | undefined;
  readonly exitCode?: number | undefined;
  /** From SIGTERM to the end. */
  readonly terminateAfterSeconds?: number | undefined;
  readonly unknownImage?: boolean | undefined;
}

/** A behaviour for all pods that match what is given; `*` stands for any text. */
export interface BehaviourRule extends PodBehaviour {
  readonly image?: string;
  readonly pod?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** The pod's behaviour: its `sim.test/…` annotations before the first rule that matches. */
export function behaviourOf(pod: Pod, image: string, rules: readonly BehaviourRule[]): PodBehaviour {
  const rule = rules.find(
    (candidate) =>
      matches(candidate.image, image) &&
      matches(candidate.pod, pod.metadata.name) &&
      hasLabels(pod.metadata.labels, candidate.labels ?? {}),
  );
  return { ...rule, ...annotatedBehaviour(pod.metadata.annotations ?? {}) };
}

function matches(pattern: string | undefined, text: string): boolean {
  if (pattern === undefined) return true;
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(text);
}

function annotatedBehaviour(annotations: Readonly<Record<string, string>>): PodBehaviour {
  const seconds = (name: string): number | undefined => parseSeconds(annotations[`sim.test/${name}`]);
  const exit = /^(\d+)@(.+)$/.exec(annotations["sim.test/exit"] ?? "");
  const told: PodBehaviour = {
    startAfterSeconds: seconds("start-after"),
    readyAfterSeconds: seconds("ready-after"),
    neverReady: annotations["sim.test/never-ready"] === "true" ? true : undefined,
    unreadyAfterSeconds: seconds("unready-after"),
    crashAfterSeconds: seconds("crash-after") ?? parseSeconds(exit?.[2]),
    exitCode: exit === null ? undefined : Number(exit[1]),
    terminateAfterSeconds: seconds("terminate-after"),
  };
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));
}

const unitSeconds: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** Reads a span such as `1m30s` or `250ms`; undefined for no or another text. */
function parseSeconds(text: string | undefined): number | undefined {
  if (text === undefined || !/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    seconds += Number(amount) * (unitSeconds[unit ?? "s"] ?? 0);
  }
  return seconds;
}
