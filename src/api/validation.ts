import type { LabelSelector } from "./core.ts";
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

export function invalid(field: string, value: unknown, why: string): FieldError {
  return { field, detail: `Invalid value: ${JSON.stringify(value)}: ${why}` };
}

function required(field: string, why: string): FieldError {
  return { field, detail: `Required value: ${why}` };
}

/**
 * What is wrong with a Rollout by itself, without looking at other objects. The API server has already checked it against
 * the schema, unless an older CRD is installed; so types hold, and numbers are checked here again.
 */
export function validateRollout(rollout: Rollout): readonly FieldError[] {
  const { spec } = rollout;
  return [...validateSizes(spec), ...validateTemplate(spec), ...validateStrategy(rollout)];
}

function validateSizes(spec: RolloutSpec): FieldError[] {
  const errors: FieldError[] = [];
  const sizes = {
    replicas: spec.replicas,
    minReadySeconds: spec.minReadySeconds,
    revisionHistoryLimit: spec.revisionHistoryLimit,
    progressDeadlineSeconds: spec.progressDeadlineSeconds,
  };
  for (const [field, value] of Object.entries(sizes)) errors.push(...notNegative(`spec.${field}`, value));
  const deadline = spec.progressDeadlineSeconds ?? defaultProgressDeadlineSeconds;
  if (deadline <= (spec.minReadySeconds ?? 0)) {
    errors.push(invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"));
  }
  return errors;
}

function notNegative(field: string, value: number | undefined): FieldError[] {
  return value === undefined || value >= 0
    ? []
    : [invalid(field, value, "must be greater than or equal to 0")];
}

function validateTemplate(spec: RolloutSpec): FieldError[] {
  if (spec.workloadRef !== undefined) {
    return [
      {
        field: "spec.workloadRef",
        detail:
          "Forbidden: Teal does not resolve workload references yet; put the pod template into spec.template",
      },
    ];
  }
  const errors: FieldError[] = [];
  const { selector, template } = spec;
  if (selector === undefined) {
    errors.push(required("spec.selector", "Rollout has missing field '.spec.selector'"));
  } else if (isEmpty(selector)) {
    errors.push(invalid("spec.selector", selector, "empty selector is invalid for deployment"));
  }
  if (template?.spec === undefined || template.spec.containers.length === 0) {
    errors.push(required("spec.template.spec.containers", "a pod needs at least one container"));
  }
  const labels = template?.metadata?.labels ?? {};
  for (const [key, value] of Object.entries(selector?.matchLabels ?? {})) {
    if (labels[key] !== value) {
      errors.push(
        invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"),
      );
      break;
    }
  }
  return errors;
}

function isEmpty(selector: LabelSelector): boolean {
  return (
    Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0
  );
}

function validateStrategy(rollout: Rollout): FieldError[] {
  const field = "spec.strategy";
  const wire = rollout.spec.strategy ?? {};
  if (wire.blueGreen !== undefined && wire.canary !== undefined) {
    return [
      invalid(
        field,
        Object.keys(wire),
        "Multiple Strategies can not be listed: keep either blueGreen or canary",
      ),
    ];
  }
  const strategy = strategyOf(rollout);
  switch (strategy.kind) {
    case "none":
      return [
        required(field, "Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'"),
      ];
    case "canary":
      return [
        { field: `${field}.canary`, detail: "Forbidden: Teal does not carry out canary yet; use blueGreen" },
      ];
    case "blueGreen": {
      const errors: FieldError[] = [];
      const at = (name: string): string => `${field}.blueGreen.${name}`;
      if (strategy.activeService === "") {
        errors.push(required(at("activeService"), "the Service that carries users' traffic"));
      } else if (strategy.activeService === strategy.previewService) {
        errors.push(
          invalid(
            at("activeService"),
            strategy.activeService,
            "This rollout uses the same service for the active and preview services, but two different services are required.",
          ),
        );
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
            at("scaleDownDelayRevisionLimit"),
            limit,
            "This rollout's revision history limit can not be smaller than the rollout's scale down limit",
          ),
        );
      }
      return errors;
    }
  }
}
