import type { LabelSelector } from "./core.ts";
import { expressionProblems, matchLabelProblems, type SelectorProblem } from "./label-rules.ts";
import { selects } from "./label-selector.ts";
import type { Rollout, RolloutSpec } from "./rollout.ts";
import { defaultProgressDeadlineSeconds, defaultRevisionHistoryLimit, strategyOf } from "./strategy.ts";

/** One thing that is wrong with an object: where, and what, in the form in which Kubernetes reports such things. */
export interface FieldError {
  /** `spec.strategy.blueGreen.activeService` */
  readonly field: string;
  /** `Invalid value: "web": …` or `Required value: …` */
  readonly detail: string;
}

export function describe(error: FieldError): string {
  return `${error.field}: ${error.detail}`;
}

/** A missing value is `null`; labels and the like are sorted by name, as the API server writes them. */
export function invalid(field: string, value: unknown, why: string): FieldError {
  return { field, detail: `Invalid value: ${jsonOf(value)}: ${why}` };
}

function jsonOf(value: unknown): string {
  return JSON.stringify(value ?? null, (_, part: unknown) =>
    isPlain(part) ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
}

function isPlain(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function required(field: string, why?: string): FieldError {
  return { field, detail: why === undefined ? "Required value" : `Required value: ${why}` };
}

function forbidden(field: string, why: string): FieldError {
  return { field, detail: `Forbidden: ${why}` };
}

/**
 * What is wrong with a Rollout by itself, without looking at other objects, in the order and words of Argo's controller,
 * which shows the first only. The API server has already checked it against the schema, unless an older CRD is installed;
 * so types hold, and numbers are checked here again.
 */
export function validateRollout(rollout: Rollout): readonly FieldError[] {
  const { spec } = rollout;
  const deadline = spec.progressDeadlineSeconds ?? defaultProgressDeadlineSeconds;
  return [
    ...notNegative("spec.replicas", spec.replicas),
    ...validatePods(spec),
    ...notNegative("spec.minReadySeconds", spec.minReadySeconds),
    ...notNegative("spec.revisionHistoryLimit", spec.revisionHistoryLimit),
    ...notNegative("spec.progressDeadlineSeconds", spec.progressDeadlineSeconds),
    ...(deadline > (spec.minReadySeconds ?? 0)
      ? []
      : [invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")]),
    ...validateStrategy(rollout),
  ];
}

function notNegative(field: string, value: number | undefined): FieldError[] {
  return value === undefined || value >= 0
    ? []
    : [invalid(field, value, "must be greater than or equal to 0")];
}

function validatePods(spec: RolloutSpec): FieldError[] {
  if (spec.workloadRef !== undefined) {
    const why = "Teal does not resolve workload references yet; put the pod template into spec.template";
    return [forbidden("spec.workloadRef", why)];
  }
  const { selector, template } = spec;
  const errors = validateSelector(selector);
  const labels = template?.metadata?.labels;
  if (errors.length === 0 && selector !== undefined && !selects(selector, labels)) {
    const why = "`selector` does not match template `labels`";
    errors.push(invalid("spec.template.metadata.labels", labels, why));
  }
  // All else in the template is the API server's to judge, when it gets the ReplicaSet.
  if ((template?.spec?.containers ?? []).length === 0) errors.push(required("spec.template.spec.containers"));
  return errors;
}

function validateSelector(selector: LabelSelector | undefined): FieldError[] {
  const field = "spec.selector";
  if (selector === undefined) return [required(field, "Rollout has missing field '.spec.selector'")];
  const { matchLabels = {}, matchExpressions = [] } = selector;
  if (Object.keys(matchLabels).length === 0 && matchExpressions.length === 0)
    return [invalid(field, selector, "empty selector is invalid for deployment")];
  return [...matchLabelProblems(matchLabels, field), ...expressionProblems(matchExpressions, field)].map(
    fieldErrorOf,
  );
}

function fieldErrorOf({ at, is, value, why }: SelectorProblem): FieldError {
  switch (is) {
    case "invalid":
      return invalid(at, value, why);
    case "required":
      return required(at, why);
    case "forbidden":
      return forbidden(at, why);
  }
}

function validateStrategy(rollout: Rollout): FieldError[] {
  const field = "spec.strategy";
  // Argo's paths: without the strategy's name for what it checks itself.
  const argo = (name: string): string => `${field}.${name}`;
  const wire = rollout.spec.strategy ?? {};
  if (wire.blueGreen !== undefined && wire.canary !== undefined)
    return [
      invalid(argo("strategy"), "blueGreen: true canary: true", "Multiple Strategies can not be listed"),
    ];
  const strategy = strategyOf(rollout);
  switch (strategy.kind) {
    case "none": {
      const why = "Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'";
      return [required(argo("strategy"), why)];
    }
    case "canary":
      return [forbidden(`${field}.canary`, "Teal does not carry out canary yet; use blueGreen")];
    case "blueGreen": {
      const errors: FieldError[] = [];
      const at = (name: string): string => `${field}.blueGreen.${name}`;
      const { activeService = "", previewService = "" } = wire.blueGreen ?? {};
      if (activeService === previewService) {
        const why =
          "This rollout uses the same service for the active and preview services, but two different services are required.";
        errors.push(invalid(argo("activeService"), activeService, why));
      } else if (!strategy.routes.some(({ role }) => role === "active")) {
        errors.push(required(at("activeService"), "the Service that carries users' traffic"));
      }
      for (const name of [
        "previewReplicaCount",
        "autoPromotionSeconds",
        "scaleDownDelaySeconds",
        "scaleDownDelayRevisionLimit",
        "abortScaleDownDelaySeconds",
      ] as const) {
        errors.push(...notNegative(at(name), wire.blueGreen?.[name]));
      }
      const limit = wire.blueGreen?.scaleDownDelayRevisionLimit;
      if (limit !== undefined && limit > (rollout.spec.revisionHistoryLimit ?? defaultRevisionHistoryLimit)) {
        errors.push(
          invalid(
            argo("scaleDownDelayRevisionLimit"),
            limit,
            "This rollout's revision history limit can not be smaller than the rollout's scale down limit",
          ),
        );
      }
      return errors;
    }
  }
}
