import type { LabelSelector, PodTemplateSpec } from "../../../api/core.ts";
import { selects } from "../../../api/label-selector.ts";
import { withPodTemplateDefaults } from "../../../api/pod-defaults.ts";
import { type Fields, fieldsOf, listOf } from "../json.ts";
import { labelErrors } from "../names.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import { oneOf } from "./field-checks.ts";
import { templateAnnotationErrors } from "./pod/annotation-errors.ts";
import { podSpecErrors } from "./pod/pod-spec-errors.ts";
import { podWarnings } from "./pod/pod-warnings.ts";
import type { ApiObject } from "./rules.ts";

export function templateWarnings({ spec }: ApiObject): readonly string[] {
  return podWarnings(fieldsOf(fieldsOf(fieldsOf(spec).template).spec), "spec.template.spec");
}

export function templateOf(spec: Fields): unknown {
  return withPodTemplateDefaults({ spec: {}, ...fieldsOf(spec.template) } as unknown as PodTemplateSpec);
}

/** What is wrong with a template, whatever its pods are for. */
export function templateErrors(spec: Fields): FieldError[] {
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
  ];
}

/** What is wrong with the template of pods that are to run for ever. */
export function lastingTemplateErrors(spec: Fields): FieldError[] {
  const podSpec = fieldsOf(fieldsOf(spec.template).spec);
  return [
    ...templateErrors(spec),
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

export function isEmptySelector(selector: unknown): boolean {
  if (selector === undefined) return false;
  const { matchLabels, matchExpressions } = fieldsOf(selector);
  return Object.keys(fieldsOf(matchLabels)).length === 0 && listOf(matchExpressions).length === 0;
}
