import { type FieldError, fieldError } from "../refusal.ts";
import { oneOf } from "./field-checks.ts";
import { plainRules } from "./plain.ts";
import type { Rules } from "./rules.ts";

const largestValue = 1_000_000_000;

/** Nothing goes by them here: there is one node, and room for all. */
export const priorityClassRules: Rules = {
  ...plainRules,
  hasGeneration: true,
  withDefaults: (priorityClass) => ({
    preemptionPolicy: "PreemptLowerPriority",
    ...priorityClass,
    value: priorityClass.value ?? 0,
  }),
  validate: (priorityClass, old) => {
    const { metadata, value, preemptionPolicy } = priorityClass;
    const { name } = metadata;
    return [
      ...(isSystem(name, value)
        ? []
        : name.startsWith("system-")
          ? [
              fieldError.forbidden(
                "metadata.name",
                "priority class names with 'system-' prefix are reserved for system use only. " +
                  `error: ${name} is not a known system priority class`,
              ),
            ]
          : valueErrors(value)),
      ...(old !== undefined && value !== old.value
        ? [fieldError.forbidden("value", "may not be changed in an update.")]
        : []),
      ...oneOf(preemptionPolicy, ["PreemptLowerPriority", "Never"], "preemptionPolicy"),
    ];
  },
};

/** Those that every cluster has. */
export const systemPriorityClasses = {
  "system-cluster-critical": 2_000_000_000,
  "system-node-critical": 2_000_001_000,
} as const;

function isSystem(name: string, value: unknown): boolean {
  return (systemPriorityClasses as Readonly<Record<string, number>>)[name] === value;
}

function valueErrors(value: unknown): FieldError[] {
  return typeof value === "number" && value > largestValue
    ? [fieldError.forbidden("value", `maximum allowed value of a user defined priority is ${largestValue}`)]
    : [];
}
