import { canonicalQuantity } from "../../../api/quantity.ts";
import type { MetricSpec, MetricStatus } from "./horizontal-pod-autoscaler.ts";
import { type Measured, NoProposal, type Proposal } from "./replica-proposal.ts";

/** What one metric says. */
export type Evaluated =
  | {
      readonly is: "measured";
      readonly replicas: number;
      /** As in `cpu resource utilization (percentage of request)`. */
      readonly name: string;
      readonly status: MetricStatus;
    }
  | {
      readonly is: "unknown";
      /** `FailedGetResourceMetric`. */
      readonly reason: string;
      readonly message: string;
      /** The message as it stands in a sum of all that has failed. */
      readonly inSum: string;
    };

const noCustomMetrics =
  "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered";

/** Asks `propose` for the metrics that are measured here; the others are refused as by a cluster that nobody gave them. */
export function evaluate(
  spec: MetricSpec,
  namespace: string,
  propose: (measured: Measured) => Proposal,
): Evaluated {
  const { resource, containerResource } = spec;
  if (spec.type === "Resource" && resource !== undefined)
    return measured(resource, "Resource", `${resource.name} resource metric value`, propose);
  if (spec.type === "ContainerResource" && containerResource !== undefined)
    return measured(
      containerResource,
      "ContainerResource",
      `${containerResource.name} container metric value`,
      propose,
    );
  return notOffered(spec, namespace);
}

function measured(
  source: Measured,
  type: "Resource" | "ContainerResource",
  what: string,
  propose: (measured: Measured) => Proposal,
): Evaluated {
  const isShare = source.target.averageUtilization !== undefined;
  try {
    const { replicas, averageValue, averageUtilization } = propose(source);
    const current = {
      averageValue: canonicalQuantity(`${averageValue}m`) ?? "0",
      ...(averageUtilization === undefined ? {} : { averageUtilization }),
    };
    const { name, container } = source;
    const field = type === "Resource" ? "resource" : "containerResource";
    return {
      is: "measured",
      replicas,
      name: `${name} resource${isShare ? " utilization (percentage of request)" : ""}`,
      status: { type, [field]: { name, ...(container === undefined ? {} : { container }), current } },
    };
  } catch (error) {
    if (!(error instanceof NoProposal)) throw error;
    const message = `failed to get ${source.name} ${isShare ? "utilization" : "usage"}: ${error.message}`;
    return {
      is: "unknown",
      reason: type === "Resource" ? "FailedGetResourceMetric" : "FailedGetContainerResourceMetric",
      message,
      inSum: `failed to get ${what}: ${message}`,
    };
  }
}

interface Named {
  readonly metric?: { readonly name?: string; readonly selector?: SelectorInGo };
  readonly describedObject?: { readonly kind?: string; readonly name?: string };
}

interface SelectorInGo {
  readonly matchLabels?: Readonly<Record<string, string>>;
}

function notOffered(spec: MetricSpec, namespace: string): Evaluated {
  const field = spec.type.toLowerCase();
  const { metric, describedObject } = ((spec as unknown as Record<string, unknown>)[field] ?? {}) as Named;
  const name = metric?.name ?? "";
  const messages: Readonly<Record<string, string>> = {
    Pods: `unable to get metric ${name}: ${noCustomMetrics}`,
    Object: `unable to get metric ${name}: ${describedObject?.kind} on ${namespace} ${describedObject?.name}/${noCustomMetrics}`,
    External:
      `unable to get external metric ${namespace}/${name}/${selectorText(metric?.selector)}: unable to fetch metrics from ` +
      `external metrics API: the server could not find the requested resource (get ${name}.external.metrics.k8s.io)`,
  };
  const message = messages[spec.type] ?? `unknown metric source type "${spec.type}"`;
  return {
    is: "unknown",
    reason: `FailedGet${spec.type}Metric`,
    message,
    inSum: `failed to get ${field} metric value: ${message}`,
  };
}

/** A selector as kube-controller-manager writes it into this message. */
function selectorText(selector: SelectorInGo | undefined): string {
  if (selector === undefined) return "nil";
  const labels = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}: ${value},`);
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join(" ")}},MatchExpressions:[]LabelSelectorRequirement{},}`;
}
