import { equalJson } from "../../../api/equal-json.ts";
import { type Fields, fieldsOf, textOf, withFields } from "../json.ts";
import { labelSelectorErrors } from "../names.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import { countOrPercentErrors, notNegative } from "./field-checks.ts";
import { plainRules, selectablePaths } from "./plain.ts";
import { isEmptySelector, lastingTemplateErrors, templateOf, templateWarnings } from "./pod-template.ts";
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
      ...lastingTemplateErrors(spec),
      ...immutableSelector(replicaSet, old),
    ];
  },
};

export const deploymentRules: Rules = {
  ...plainRules,
  hasGeneration: true,
  countsAnnotations: true,
  untouchedByStatus: [["metadata", "labels"]],
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
      ...lastingTemplateErrors(spec),
      ...strategyErrors(fieldsOf(spec.strategy)),
      ...notNegative(spec.minReadySeconds, "spec.minReadySeconds"),
      ...notNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit"),
      ...deadlineErrors(spec),
      ...immutableSelector(deployment, old),
    ];
  },
};

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
  const types = ["Recreate", "RollingUpdate"];
  if (!types.includes(textOf(strategy.type))) {
    // The server shows the whole strategy, by the names that it has within itself.
    const inside = { Type: strategy.type, RollingUpdate: strategy.rollingUpdate ?? null };
    return [fieldError.notSupported(path, inside, types)];
  }
  if (strategy.type === "Recreate") return [];
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

export function selectorErrors(spec: Fields): FieldError[] {
  if (spec.selector === undefined) return [fieldError.required("spec.selector")];
  const errors = labelSelectorErrors(spec.selector, "spec.selector");
  return isEmptySelector(spec.selector)
    ? [
        ...errors,
        fieldError.invalid("spec.selector", spec.selector, "empty selector is invalid for deployment"),
      ]
    : errors;
}

export function immutableSelector(object: ApiObject, old: ApiObject | undefined): FieldError[] {
  if (old === undefined) return [];
  const selector = fieldsOf(object.spec).selector;
  return equalJson(selector, fieldsOf(old.spec).selector)
    ? []
    : [fieldError.invalid("spec.selector", selector, "field is immutable")];
}
