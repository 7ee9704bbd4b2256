import type { Condition, KubernetesObject, LabelSelector, PodTemplateSpec } from "../../../../api/core.ts";
import { selectorText } from "../../../../api/label-selector.ts";
import { type Instant, parseTime } from "../../../../time/clock.ts";
import { humanDuration } from "../../../../time/human-duration.ts";
import { ageOf } from "./age.ts";
import { containerCells, none, orNone, printerOf } from "./cells.ts";

interface JobSpec {
  readonly completions?: number;
  readonly parallelism?: number;
  readonly selector?: LabelSelector;
  readonly template: PodTemplateSpec;
}

interface Job extends KubernetesObject {
  readonly spec: JobSpec;
  readonly status?: {
    readonly succeeded?: number;
    readonly startTime?: string;
    readonly completionTime?: string;
    readonly conditions?: readonly Condition[];
  };
}

interface CronJob extends KubernetesObject {
  readonly spec: {
    readonly schedule: string;
    readonly timeZone?: string;
    readonly suspend?: boolean;
    readonly jobTemplate: { readonly spec: JobSpec };
  };
  readonly status?: { readonly active?: readonly unknown[]; readonly lastScheduleTime?: string };
}

export const printJob = printerOf<Job>((job, now) => [
  job.metadata.name,
  stateOf(job),
  completionsOf(job),
  durationOf(job, now),
  ageOf(job.metadata.creationTimestamp, now),
  ...containerCells(job.spec.template.spec.containers),
  orNone(job.spec.selector === undefined ? undefined : selectorText(job.spec.selector)),
]);

export const printCronJob = printerOf<CronJob>(({ metadata, spec, status }, now) => [
  metadata.name,
  spec.schedule,
  spec.timeZone ?? none,
  spec.suspend === true ? "True" : "False",
  status?.active?.length ?? 0,
  status?.lastScheduleTime === undefined ? none : ageOf(status.lastScheduleTime, now),
  ageOf(metadata.creationTimestamp, now),
  ...containerCells(spec.jobTemplate.spec.template.spec.containers),
  orNone(
    spec.jobTemplate.spec.selector === undefined ? undefined : selectorText(spec.jobTemplate.spec.selector),
  ),
]);

function stateOf({ metadata, status }: Job): string {
  const has = (type: string) =>
    status?.conditions?.some((condition) => condition.type === type && condition.status === "True") === true;
  const [ended] = ["Complete", "Failed"].filter(has);
  if (ended !== undefined) return ended;
  if (metadata.deletionTimestamp !== undefined) return "Terminating";
  return ["Suspended", "FailureTarget", "SuccessCriteriaMet"].find(has) ?? "Running";
}

function completionsOf({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function durationOf({ status }: Job, now: Instant): string {
  const from = parseTime(status?.startTime ?? "");
  if (from === undefined) return "";
  return humanDuration(((parseTime(status?.completionTime ?? "") ?? now) - from) / 1000);
}
