import type { KubernetesObject } from "../../../api/core.ts";
import { type Fields, fieldsIn, fieldsOf, textOf, withFields } from "../json.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import { oneOf } from "./field-checks.ts";
import { plainRules } from "./plain.ts";
import type { ApiObject, Rules } from "./rules.ts";

/** HorizontalPodAutoscalers are kept as autoscaling/v2. */
export const horizontalPodAutoscalerRules: Rules = {
  ...plainRules,
  withDefaults: (autoscaler) => {
    const spec = fieldsOf(autoscaler.spec);
    return {
      ...autoscaler,
      spec: {
        minReplicas: 1,
        ...spec,
        metrics: fieldsIn(spec.metrics).length === 0 ? [cpuMetric(80)] : spec.metrics,
        ...(spec.behavior === undefined ? {} : { behavior: withBehaviorDefaults(fieldsOf(spec.behavior)) }),
      },
    };
  },
  beforeCreate: (autoscaler) => ({ ...autoscaler, status: { currentMetrics: null, desiredReplicas: 0 } }),
  validate: ({ spec }) => specErrors(fieldsOf(spec)),
};

function cpuMetric(averageUtilization: number): Fields {
  return { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization } } };
}

const byPercent = { type: "Percent", value: 100, periodSeconds: 15 };
const scaleUp: Fields = {
  stabilizationWindowSeconds: 0,
  selectPolicy: "Max",
  policies: [{ type: "Pods", value: 4, periodSeconds: 15 }, byPercent],
};
const scaleDown: Fields = { selectPolicy: "Max", policies: [byPercent] };

function withBehaviorDefaults(behavior: Fields): Fields {
  return {
    scaleUp: { ...scaleUp, ...fieldsOf(behavior.scaleUp) },
    scaleDown: { ...scaleDown, ...fieldsOf(behavior.scaleDown) },
  };
}

function specErrors(spec: Fields): FieldError[] {
  const { minReplicas = 1, maxReplicas = 0 } = spec as { minReplicas?: number; maxReplicas?: number };
  const target = fieldsOf(spec.scaleTargetRef);
  const metrics = fieldsIn(spec.metrics);
  const isFromZero = metrics.some(({ type }) => type === "Object" || type === "External");
  return [
    ...(minReplicas < 1
      ? [fieldError.invalid("spec.minReplicas", minReplicas, "must be greater than or equal to 1")]
      : []),
    ...(maxReplicas < 1
      ? [fieldError.invalid("spec.maxReplicas", maxReplicas, "must be greater than 0")]
      : []),
    ...(maxReplicas < minReplicas
      ? [
          fieldError.invalid(
            "spec.maxReplicas",
            maxReplicas,
            "must be greater than or equal to `minReplicas`",
          ),
        ]
      : []),
    ...["kind", "name"]
      .filter((field) => textOf(target[field]) === "")
      .map((field) => fieldError.required(`spec.scaleTargetRef.${field}`)),
    ...(textOf(target.apiVersion) === ""
      ? [fieldError.invalid("spec.scaleTargetRef.apiVersion", "", "apiVersion must specify API group")]
      : []),
    ...metrics.flatMap((metric, index) => metricErrors(metric, `spec.metrics[${index}]`)),
    ...(minReplicas === 0 && !isFromZero
      ? [
          fieldError.forbidden(
            "spec.metrics",
            "must specify at least one Object or External metric to support scaling to zero replicas",
          ),
        ]
      : []),
  ];
}

const sources: Readonly<Record<string, string>> = {
  ContainerResource: "containerResource",
  External: "external",
  Object: "object",
  Pods: "pods",
  Resource: "resource",
};

function metricErrors(metric: Fields, path: string): FieldError[] {
  const type = textOf(metric.type);
  const source = sources[type];
  if (source === undefined) return oneOf(type, Object.keys(sources), `${path}.type`);
  if (metric[source] === undefined)
    return [
      fieldError.required(`${path}.${source}`, "must populate information for the given metric source"),
    ];
  const target = fieldsOf(fieldsOf(metric[source]).target);
  const isPlain = source === "resource" || source === "containerResource";
  if (!isPlain || target.averageUtilization !== undefined || target.averageValue !== undefined) return [];
  return [
    fieldError.required(
      `${path}.${source}.target.averageUtilization`,
      "must set either a target raw value or a target utilization",
    ),
  ];
}

/** A stored autoscaler as autoscaling/v1 shows it: one percentage of the CPU instead of metrics. */
export function asVersion1(autoscaler: KubernetesObject): KubernetesObject {
  const { spec, status, ...rest } = autoscaler as ApiObject;
  const { metrics, behavior: _behavior, ...kept } = fieldsOf(spec);
  const { averageUtilization } = fieldsOf(fieldsOf(fieldsOf(fieldsIn(metrics)[0]).resource).target);
  const { currentMetrics: _metrics, conditions: _conditions, ...counts } = fieldsOf(status);
  return {
    ...rest,
    apiVersion: "autoscaling/v1",
    spec: withFields(kept, { targetCPUUtilizationPercentage: averageUtilization }),
    status: { currentReplicas: 0, ...counts },
  } as KubernetesObject;
}

/** What was sent as autoscaling/v1, in the stored form. */
export function fromVersion1(autoscaler: ApiObject): ApiObject {
  const { targetCPUUtilizationPercentage: percent, ...spec } = fieldsOf(autoscaler.spec);
  const metrics = typeof percent === "number" ? { metrics: [cpuMetric(percent)] } : {};
  return { ...autoscaler, apiVersion: "autoscaling/v2", spec: { ...spec, ...metrics } };
}
