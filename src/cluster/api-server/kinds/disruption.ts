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
  return [
    ...(minAvailable !== undefined && maxUnavailable !== undefined
      ? [fieldError.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")]
      : []),
    ...countOrPercentErrors(minAvailable, "spec.minAvailable"),
    ...countOrPercentErrors(maxUnavailable, "spec.maxUnavailable"),
    ...(selector === undefined ? [] : labelSelectorErrors(selector, "spec.selector")),
    ...oneOf(policy, ["AlwaysAllow", "IfHealthyBudget"], "spec.unhealthyPodEvictionPolicy"),
  ];
}
