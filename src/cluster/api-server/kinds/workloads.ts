import type { LabelSelector, PodTemplateSpec } from "../../../api/core.ts";
import { equalJson } from "../../../api/equal-json.ts";
import { selects } from "../../../api/label-selector.ts";
import { withPodTemplateDefaults } from "../../../api/pod-defaults.ts";
import { type Fields, fieldsOf, listOf, withFields } from "../json.ts";
import { labelErrors, labelSelectorErrors } from "../names.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import { notNegative, oneOf } from "./field-checks.ts";
import { plainRules, selectablePaths } from "./plain.ts";
import { templateAnnotationErrors } from "./pod/annotation-errors.ts";
import { podSpecErrors } from "./pod/pod-spec-errors.ts";
import { podWarnings } from "./pod/pod-warnings.ts";
import type { ApiObject, Rules } from "./rules.ts";
import { deploymentStatusErrors, replicaSetStatusErrors } from "./status-errors.ts";

export const replicaSetRules: Rules = {
  ...plainRules,
  hasGeneration: true,
  selectable: { own: true, paths: selectablePaths("status.replicas") },
  withDefaults: (replicaSet) => {
    const spec = fieldsOf(replicaSet.spec);
    return { ...replicaSet, spec: { replicas: 1, ...spec, template: templateOf(spec) } };
  },
  beforeCreate: (replicaSet) => ({ ...replicaSet, status: { replicas: 0 } }),
  creationWarnings: templateWarnings,
  validateStatus: replicaSetStatusErrors,
  validate: (replicaSet, old) => {
    const spec = fieldsOf(replicaSet.spec);
    return [
      ...notNegative(spec.replicas, "spec.replicas"),
      ...notNegative(spec.minReadySeconds, "spec.minReadySeconds"),
      ...selectorErrors(spec),
      ...templateErrors(spec),
      ...immutableSelector(replicaSet, old),
    ];
  },
};

export const deploymentRules: Rules = {
  ...plainRules,
  hasGeneration: true,
  creationWarnings: templateWarnings,
  withDefaults: (deployment) => {
    const spec = fieldsOf(deployment.spec);
    return {
      ...deployment,
      spec: {
        replicas: 1,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        ...spec,
        strategy: withStrategyDefaults(fieldsOf(spec.strategy)),
        template: templateOf(spec),
      },
    };
  },
  beforeCreate: (deployment) => ({ ...deployment, status: {} }),
  beforeStatusUpdate: (deployment, old) => ({
    ...deployment,
    metadata: withFields(deployment.metadata, { labels: old.metadata.labels }),
  }),
  validateStatus: deploymentStatusErrors,
  validate: (deployment, old) => {
    const spec = fieldsOf(deployment.spec);
    return [
      ...notNegative(spec.replicas, "spec.replicas"),
      ...selectorErrors(spec),
      ...templateErrors(spec),
      ...strategyErrors(fieldsOf(spec.strategy)),
      ...notNegative(spec.minReadySeconds, "spec.minReadySeconds"),
      ...notNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit"),
      ...deadlineErrors(spec),
      ...immutableSelector(deployment, old),
    ];
  },
};

function templateWarnings({ spec }: ApiObject): readonly string[] {
  return podWarnings(fieldsOf(fieldsOf(fieldsOf(spec).template).spec), "spec.template.spec");
}

function templateOf(spec: Fields): unknown {
  return withPodTemplateDefaults({ spec: {}, ...fieldsOf(spec.template) } as unknown as PodTemplateSpec);
}

function withStrategyDefaults(strategy: Fields): Fields {
  const type = strategy.type ?? "RollingUpdate";
  if (type !== "RollingUpdate") return { ...strategy, type };
  const rollingUpdate = { maxUnavailable: "25%", maxSurge: "25%", ...fieldsOf(strategy.rollingUpdate) };
  return { ...strategy, type, rollingUpdate };
}

function strategyErrors(strategy: Fields): FieldError[] {
  const path = "spec.strategy";
  if (strategy.type === "Recreate" && strategy.rollingUpdate !== undefined) {
    return [
      fieldError.forbidden(
        `${path}.rollingUpdate`,
        "may not be specified when strategy `type` is 'Recreate'",
      ),
    ];
  }
  if (strategy.type !== "RollingUpdate") return oneOf(strategy.type, ["Recreate", "RollingUpdate"], path);
  const { maxUnavailable, maxSurge } = fieldsOf(strategy.rollingUpdate);
  const errors = [
    ...countOrPercentErrors(maxUnavailable, `${path}.rollingUpdate.maxUnavailable`),
    ...countOrPercentErrors(maxSurge, `${path}.rollingUpdate.maxSurge`),
  ];
  if (isNone(maxUnavailable) && isNone(maxSurge)) {
    errors.push(
      fieldError.invalid(
        `${path}.rollingUpdate.maxUnavailable`,
        maxUnavailable,
        "may not be 0 when `maxSurge` is 0",
      ),
    );
  }
  return errors;
}

function countOrPercentErrors(value: unknown, field: string): FieldError[] {
  if (typeof value === "string" && !/^[0-9]+%$/.test(value)) {
    const text =
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for " +
      "validation is '[0-9]+%')";
    return [fieldError.invalid(field, value, text)];
  }
  return notNegative(value, field);
}

function isNone(value: unknown): boolean {
  return value === 0 || value === "0%";
}

function deadlineErrors(spec: Fields): FieldError[] {
  const { progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec;
  if (typeof deadline !== "number" || deadline > Number(minReadySeconds)) return [];
  return [
    fieldError.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"),
  ];
}

function selectorErrors(spec: Fields): FieldError[] {
  if (spec.selector === undefined) return [fieldError.required("spec.selector")];
  const errors = labelSelectorErrors(spec.selector, "spec.selector");
  return isEmptySelector(spec.selector)
    ? [
        ...errors,
        fieldError.invalid("spec.selector", spec.selector, "empty selector is invalid for deployment"),
      ]
    : errors;
}

function templateErrors(spec: Fields): FieldError[] {
  const template = fieldsOf(spec.template);
  const labels = fieldsOf(template.metadata).labels;
  const podSpec = fieldsOf(template.spec);
  const isMatch =
    spec.selector !== undefined &&
    !isEmptySelector(spec.selector) &&
    selects(spec.selector as LabelSelector, fieldsOf(labels) as Record<string, string>);
  return [
    ...(isMatch || isEmptySelector(spec.selector)
      ? []
      : [
          fieldError.invalid(
            "spec.template.metadata.labels",
            labels,
            "`selector` does not match template `labels`",
          ),
        ]),
    // What the server says about a template's metadata it says of fields that are not there.
    ...labelErrors(labels, "spec.template.labels"),
    ...templateAnnotationErrors(template, "spec.template.annotations"),
    ...podSpecErrors(podSpec, "spec.template.spec"),
    ...(listOf(podSpec.ephemeralContainers).length === 0
      ? []
      : [
          fieldError.forbidden(
            "spec.template.spec.ephemeralContainers",
            "ephemeral containers not allowed in pod template",
          ),
        ]),
    ...oneOf(podSpec.restartPolicy, ["Always"], "spec.template.spec.restartPolicy"),
    ...(podSpec.activeDeadlineSeconds === undefined
      ? []
      : [
          fieldError.forbidden(
            "spec.template.spec.activeDeadlineSeconds",
            "activeDeadlineSeconds in ReplicaSet is not Supported",
          ),
        ]),
  ];
}

function isEmptySelector(selector: unknown): boolean {
  if (selector === undefined) return false;
  const { matchLabels, matchExpressions } = fieldsOf(selector);
  return Object.keys(fieldsOf(matchLabels)).length === 0 && listOf(matchExpressions).length === 0;
}

function immutableSelector(object: ApiObject, old: ApiObject | undefined): FieldError[] {
  if (old === undefined) return [];
  const selector = fieldsOf(object.spec).selector;
  return equalJson(selector, fieldsOf(old.spec).selector)
    ? []
    : [fieldError.invalid("spec.selector", selector, "field is immutable")];
}
