import { equalJson } from "../../../api/equal-json.ts";
import { type Fields, fieldsOf, textOf, withFields } from "../json.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import { countOrPercentErrors, notNegative, oneOf } from "./field-checks.ts";
import { plainRules } from "./plain.ts";
import { lastingTemplateErrors, templateOf, templateWarnings } from "./pod-template.ts";
import type { ApiObject, Rules } from "./rules.ts";
import { immutableSelector, selectorErrors } from "./workloads.ts";

const generationAnnotation = "deprecated.daemonset.template.generation";

export const daemonSetRules: Rules = {
  ...plainRules,
  hasGeneration: true,
  creationWarnings: templateWarnings,
  withDefaults: (set) => {
    const spec = fieldsOf(set.spec);
    return {
      ...set,
      spec: {
        revisionHistoryLimit: 10,
        ...spec,
        updateStrategy: withStrategyDefaults(fieldsOf(spec.updateStrategy)),
        template: templateOf(spec),
      },
    };
  },
  beforeCreate: (set) => ({
    ...withTemplateGeneration(set, 1),
    status: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
  }),
  beforeUpdate: (set, old) => {
    const before = Number(fieldsOf(old.metadata.annotations)[generationAnnotation] ?? 1);
    const isSame = equalJson(fieldsOf(set.spec).template, fieldsOf(old.spec).template);
    return withTemplateGeneration(set, isSame ? before : before + 1);
  },
  validate: (set, old) => {
    const spec = fieldsOf(set.spec);
    return [
      ...selectorErrors(spec),
      ...lastingTemplateErrors(spec),
      ...notNegative(spec.minReadySeconds, "spec.minReadySeconds"),
      ...notNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit"),
      ...strategyErrors(fieldsOf(spec.updateStrategy)),
      ...immutableSelector(set, old),
    ];
  },
};

function withTemplateGeneration(set: ApiObject, generation: number): ApiObject {
  const annotations = { ...set.metadata.annotations, [generationAnnotation]: String(generation) };
  return { ...set, metadata: withFields(set.metadata, { annotations }) };
}

function withStrategyDefaults(strategy: Fields): Fields {
  const type = strategy.type ?? "RollingUpdate";
  if (type !== "RollingUpdate") return { ...strategy, type };
  const rollingUpdate = { maxUnavailable: 1, maxSurge: 0, ...fieldsOf(strategy.rollingUpdate) };
  return { ...strategy, type, rollingUpdate };
}

function strategyErrors(strategy: Fields): FieldError[] {
  const path = "spec.updateStrategy";
  if (textOf(strategy.type) !== "RollingUpdate")
    return oneOf(strategy.type, ["OnDelete", "RollingUpdate"], `${path}.type`);
  const { maxUnavailable, maxSurge } = fieldsOf(strategy.rollingUpdate);
  const isNone = (value: unknown) => value === 0 || value === "0%";
  const errors = [
    ...countOrPercentErrors(maxUnavailable, `${path}.rollingUpdate.maxUnavailable`),
    ...countOrPercentErrors(maxSurge, `${path}.rollingUpdate.maxSurge`),
  ];
  if (isNone(maxUnavailable) && isNone(maxSurge))
    return [
      ...errors,
      fieldError.required(`${path}.rollingUpdate.maxUnavailable`, "cannot be 0 when maxSurge is 0"),
    ];
  if (!isNone(maxUnavailable) && !isNone(maxSurge))
    return [
      ...errors,
      fieldError.invalid(
        `${path}.rollingUpdate.maxSurge`,
        maxSurge,
        "may not be set when maxUnavailable is non-zero",
      ),
    ];
  return errors;
}
