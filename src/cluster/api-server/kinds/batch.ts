import { scheduleProblem, timeZoneProblem } from "../../../api/cron-schedule.ts";
import { equalJson } from "../../../api/equal-json.ts";
import { type Fields, fieldsIn, fieldsOf, textOf, withFields } from "../json.ts";
import { labelSelectorErrors } from "../names.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import { notNegative, oneOf } from "./field-checks.ts";
import { plainRules, selectablePaths } from "./plain.ts";
import { templateErrors, templateOf, templateWarnings } from "./pod-template.ts";
import type { ApiObject, Rules } from "./rules.ts";

const prefix = "batch.kubernetes.io/";
const policies = ["OnFailure", "Never"];

export const jobRules: Rules = {
  ...plainRules,
  hasGeneration: true,
  selectable: { own: true, paths: selectablePaths("status.successful") },
  creationWarnings: templateWarnings,
  withDefaults: (job) => ({ ...job, spec: jobSpecWithDefaults(fieldsOf(job.spec)) }),
  beforeCreate: (job) => ({ ...withSelector(job), status: {} }),
  validate: (job, old) => jobErrors(job, old),
};

export const cronJobRules: Rules = {
  ...plainRules,
  hasGeneration: true,
  withDefaults: (cronJob) => {
    const spec = fieldsOf(cronJob.spec);
    const jobTemplate = fieldsOf(spec.jobTemplate);
    const jobSpec = fieldsOf(jobTemplate.spec);
    return {
      ...cronJob,
      spec: {
        concurrencyPolicy: "Allow",
        suspend: false,
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 1,
        ...spec,
        jobTemplate: {
          ...jobTemplate,
          metadata: fieldsOf(jobTemplate.metadata),
          spec: { ...jobSpec, template: templateOf(jobSpec) },
        },
      },
    };
  },
  beforeCreate: (cronJob) => ({ ...cronJob, status: {} }),
  validate: (cronJob) => {
    const spec = fieldsOf(cronJob.spec);
    const { schedule, timeZone, concurrencyPolicy } = spec;
    const problem = scheduleProblem(textOf(schedule));
    const zoneProblem = timeZone === undefined ? undefined : timeZoneProblem(textOf(timeZone));
    const name = cronJob.metadata.name.length;
    return [
      ...(textOf(schedule) === ""
        ? [fieldError.required("spec.schedule")]
        : problem === undefined
          ? []
          : [fieldError.invalid("spec.schedule", schedule, problem)]),
      ...(zoneProblem === undefined ? [] : [fieldError.invalid("spec.timeZone", timeZone, zoneProblem)]),
      ...oneOf(concurrencyPolicy, ["Allow", "Forbid", "Replace"], "spec.concurrencyPolicy"),
      ...notNegative(spec.startingDeadlineSeconds, "spec.startingDeadlineSeconds"),
      ...notNegative(spec.successfulJobsHistoryLimit, "spec.successfulJobsHistoryLimit"),
      ...notNegative(spec.failedJobsHistoryLimit, "spec.failedJobsHistoryLimit"),
      // Its Jobs' names have eleven characters more.
      ...(name > 52
        ? [fieldError.invalid("metadata.name", cronJob.metadata.name, "must be no more than 52 characters")]
        : []),
      ...restartPolicyErrors(
        fieldsOf(fieldsOf(spec.jobTemplate).spec),
        "spec.jobTemplate.spec.template.spec.restartPolicy",
      ),
    ];
  },
};

function jobSpecWithDefaults(spec: Fields): Fields {
  const once = spec.completions === undefined && spec.parallelism === undefined ? { completions: 1 } : {};
  const backoffLimit = spec.backoffLimitPerIndex === undefined ? 6 : 2 ** 31 - 1;
  const policy = spec.podFailurePolicy;
  return {
    parallelism: 1,
    ...once,
    backoffLimit,
    completionMode: "NonIndexed",
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: policy === undefined ? "TerminatingOrFailed" : "Failed",
    ...spec,
    ...(policy === undefined ? {} : { podFailurePolicy: withConditionDefaults(fieldsOf(policy)) }),
    template: templateOf(spec),
  };
}

function withConditionDefaults(policy: Fields): Fields {
  const rules = fieldsIn(policy.rules).map((rule) =>
    rule.onPodConditions === undefined
      ? rule
      : {
          ...rule,
          onPodConditions: fieldsIn(rule.onPodConditions).map((pattern) => ({ status: "True", ...pattern })),
        },
  );
  return { ...policy, rules };
}

/** A Job finds its pods by its own uid, unless its user says how. */
function withSelector(job: ApiObject): ApiObject {
  const spec = fieldsOf(job.spec);
  if (spec.manualSelector === true) return job;
  const { uid = "", name } = job.metadata;
  const labels = {
    [`${prefix}controller-uid`]: uid,
    [`${prefix}job-name`]: name,
    "controller-uid": uid,
    "job-name": name,
  };
  const template = fieldsOf(spec.template);
  const metadata = fieldsOf(template.metadata);
  const own = fieldsOf(metadata.labels);
  return {
    ...job,
    // As the real server does where the Job has none of its own.
    metadata: withFields(job.metadata, { labels: job.metadata.labels ?? { ...own, ...labels } }),
    spec: {
      ...spec,
      selector: { ...fieldsOf(spec.selector), matchLabels: { [`${prefix}controller-uid`]: uid } },
      template: { ...template, metadata: { ...metadata, labels: { ...own, ...labels } } },
    },
  };
}

function jobErrors(job: ApiObject, old: ApiObject | undefined): FieldError[] {
  const spec = fieldsOf(job.spec);
  const counts = [
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
  ];
  const isIndexed = spec.completionMode === "Indexed";
  const perIndex = ["backoffLimitPerIndex", "maxFailedIndexes"];
  return [
    ...[...counts, ...perIndex].flatMap((name) => notNegative(spec[name], `spec.${name}`)),
    ...oneOf(spec.completionMode, ["NonIndexed", "Indexed"], "spec.completionMode"),
    ...oneOf(spec.podReplacementPolicy, ["Failed", "TerminatingOrFailed"], "spec.podReplacementPolicy"),
    ...(isIndexed && spec.completions === undefined
      ? [fieldError.required("spec.completions", "when completion mode is Indexed")]
      : []),
    ...(isIndexed
      ? []
      : ["backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"].flatMap((name) =>
          spec[name] === undefined
            ? []
            : [fieldError.invalid(`spec.${name}`, spec[name], "requires indexed completion mode")],
        )),
    ...(spec.selector === undefined ? [] : labelSelectorErrors(spec.selector, "spec.selector")),
    ...templateErrors(spec),
    ...restartPolicyErrors(spec, "spec.template.spec.restartPolicy"),
    ...immutableErrors(spec, old),
  ];
}

function restartPolicyErrors(spec: Fields, field: string): FieldError[] {
  const { restartPolicy } = fieldsOf(fieldsOf(spec.template).spec);
  return restartPolicy === "Always"
    ? [fieldError.required(field, 'valid values: "OnFailure", "Never"')]
    : oneOf(restartPolicy, policies, field);
}

function immutableErrors(spec: Fields, old: ApiObject | undefined): FieldError[] {
  if (old === undefined) return [];
  const before = fieldsOf(old.spec);
  const isElastic =
    spec.completionMode === "Indexed" &&
    spec.completions !== undefined &&
    spec.completions === spec.parallelism;
  // What a suspended Job that has not started asks of nodes may still be changed.
  const isUnstarted = before.suspend === true && fieldsOf(old.status).startTime === undefined;
  const names = [
    ...(isElastic ? [] : ["completions"]),
    "completionMode",
    "selector",
    ...(isUnstarted ? [] : ["template"]),
    "podFailurePolicy",
    "backoffLimitPerIndex",
    "managedBy",
    "successPolicy",
  ];
  return names.flatMap((name) =>
    equalJson(spec[name], before[name])
      ? []
      : [fieldError.invalid(`spec.${name}`, spec[name], "field is immutable")],
  );
}
