import { equalJson } from "../../../api/equal-json.ts";
import { type Fields, fieldsIn, fieldsOf, withFields } from "../json.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import { notNegative, oneOf } from "./field-checks.ts";
import { plainRules } from "./plain.ts";
import { lastingTemplateErrors, templateOf, templateWarnings } from "./pod-template.ts";
import type { ApiObject, Rules } from "./rules.ts";
import { claimRules } from "./storage.ts";
import { selectorErrors } from "./workloads.ts";

const changeable = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
];

export const statefulSetRules: Rules = {
  ...plainRules,
  hasGeneration: true,
  creationWarnings: templateWarnings,
  withDefaults: (set) => {
    const spec = fieldsOf(set.spec);
    return {
      ...set,
      spec: {
        replicas: 1,
        revisionHistoryLimit: 10,
        podManagementPolicy: "OrderedReady",
        ...spec,
        persistentVolumeClaimRetentionPolicy: {
          whenDeleted: "Retain",
          whenScaled: "Retain",
          ...fieldsOf(spec.persistentVolumeClaimRetentionPolicy),
        },
        updateStrategy: withStrategyDefaults(fieldsOf(spec.updateStrategy)),
        template: templateOf(spec),
        ...(spec.volumeClaimTemplates === undefined
          ? {}
          : { volumeClaimTemplates: fieldsIn(spec.volumeClaimTemplates).map(claimTemplate) }),
      },
    };
  },
  beforeCreate: (set) => ({ ...set, status: { replicas: 0, availableReplicas: 0 } }),
  validate: (set, old) => {
    const spec = fieldsOf(set.spec);
    return [
      ...notNegative(spec.replicas, "spec.replicas"),
      ...notNegative(spec.minReadySeconds, "spec.minReadySeconds"),
      ...notNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit"),
      ...oneOf(spec.podManagementPolicy, ["OrderedReady", "Parallel"], "spec.podManagementPolicy"),
      ...strategyErrors(fieldsOf(spec.updateStrategy)),
      ...selectorErrors(spec),
      ...lastingTemplateErrors(spec),
      ...fixedErrors(spec, old),
    ];
  },
};

/** What a StatefulSet keeps of its templates; nobody changes the content of one. */
export const controllerRevisionRules: Rules = {
  ...plainRules,
  validate: (revision, old) => [
    ...notNegative(revision["revision"], "revision"),
    ...(old === undefined || equalJson(revision["data"], old["data"])
      ? []
      : [fieldError.invalid("data", revision["data"], "field is immutable")]),
  ],
};

function withStrategyDefaults(strategy: Fields): Fields {
  const type = strategy.type ?? "RollingUpdate";
  if (type !== "RollingUpdate") return { ...strategy, type };
  return { ...strategy, type, rollingUpdate: { partition: 0, ...fieldsOf(strategy.rollingUpdate) } };
}

function claimTemplate(template: Fields): Fields {
  const claim = { apiVersion: "v1", kind: "PersistentVolumeClaim", ...template } as unknown as ApiObject;
  return { ...claimRules.withDefaults(claim), status: { phase: "Pending" } };
}

function strategyErrors(strategy: Fields): FieldError[] {
  return [
    ...oneOf(strategy.type, ["OnDelete", "RollingUpdate"], "spec.updateStrategy.type"),
    ...notNegative(fieldsOf(strategy.rollingUpdate).partition, "spec.updateStrategy.rollingUpdate.partition"),
  ];
}

function fixedErrors(spec: Fields, old: ApiObject | undefined): FieldError[] {
  if (old === undefined) return [];
  const without = (fields: Fields): Fields =>
    withFields(fields, Object.fromEntries(changeable.map((name) => [name, undefined])));
  return equalJson(without(spec), without(fieldsOf(old.spec)))
    ? []
    : [
        fieldError.forbidden(
          "spec",
          "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', " +
            "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        ),
      ];
}
