import { type Fields, fieldsOf } from "../json.ts";
import { labelSelectorErrors } from "../names.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import { countOrPercentErrors, oneOf } from "./field-checks.ts";
import { plainRules } from "./plain.ts";
import type { Rules } from "./rules.ts";

export const podDisruptionBudgetRules: Rules = {
  ...plainRules,
  hasGeneration: true,
  needsVersionOnUpdate: true,
  beforeCreate: (budget) => ({
    ...budget,
    status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
  }),
  validate: (budget) => budgetErrors(fieldsOf(budget.spec)),
};

function budgetErrors(spec: Fields): FieldError[] {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec;
  // The server shows the whole spec, by the names that it has within itself.
  const inside = {
    MinAvailable: minAvailable,
    Selector: selector ?? null,
    MaxUnavailable: maxUnavailable,
    UnhealthyPodEvictionPolicy: policy ?? null,
  };
  return [
    ...(minAvailable !== undefined && maxUnavailable !== undefined
      ? [fieldError.invalid("spec", inside, "minAvailable and maxUnavailable cannot be both set")]
      : []),
    ...amountErrors(minAvailable, "spec.minAvailable"),
    ...amountErrors(maxUnavailable, "spec.maxUnavailable"),
    ...(selector === undefined ? [] : labelSelectorErrors(selector, "spec.selector")),
    ...oneOf(policy, ["AlwaysAllow", "IfHealthyBudget"], "spec.unhealthyPodEvictionPolicy"),
  ];
}

function amountErrors(amount: unknown, field: string): FieldError[] {
  const errors = countOrPercentErrors(amount, field);
  const isTooMuch = errors.length === 0 && typeof amount === "string" && Number.parseInt(amount, 10) > 100;
  return isTooMuch ? [fieldError.invalid(field, amount, "must not be greater than 100%")] : errors;
}
