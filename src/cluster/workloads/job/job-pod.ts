import type { Container, EnvVar, OwnerReference, PodTemplateSpec } from "../../../api/core.ts";
import { podOf } from "../pod-control/pod-of.ts";
import { indexFailuresAnnotation, indexKey, type Job, trackingFinalizer } from "./job.ts";

const indexVariable = "JOB_COMPLETION_INDEX";
const longestHostname = 63;

export interface PodPlan {
  /** Of an indexed Job. */
  readonly index?: number;
  /** How often this index has failed, where there is a limit for each. */
  readonly indexFailures?: number | undefined;
}

/** The pod that a Job creates: it is kept until it has been counted, and knows which completion it is for. */
export function jobPod(job: Job, reference: OwnerReference, { index, indexFailures }: PodPlan): object {
  const { template } = job.spec;
  const { metadata = {} } = template;
  const finalizers = [...(metadata.finalizers ?? []), trackingFinalizer];
  if (index === undefined)
    return podOf(job, { ...template, metadata: { ...metadata, finalizers } }, reference);
  const annotations = {
    ...metadata.annotations,
    [indexKey]: String(index),
    ...(indexFailures === undefined ? {} : { [indexFailuresAnnotation]: String(indexFailures) }),
  };
  const labels = { ...metadata.labels, [indexKey]: String(index) };
  const named = { ...job, metadata: { ...job.metadata, name: `${job.metadata.name}-${index}` } };
  const spec = withIndex(template.spec, named.metadata.name);
  return podOf(named, { metadata: { ...metadata, annotations, labels, finalizers }, spec }, reference);
}

function withIndex(spec: PodTemplateSpec["spec"], hostname: string): PodTemplateSpec["spec"] {
  const withVariable = (container: Container): Container =>
    container.env?.some(({ name }) => name === indexVariable) === true
      ? container
      : { ...container, env: [...(container.env ?? []), indexFromLabel] };
  return {
    hostname: hostname.slice(0, longestHostname),
    ...spec,
    containers: spec.containers.map(withVariable),
    ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(withVariable) }),
  } as PodTemplateSpec["spec"];
}

const indexFromLabel: EnvVar = {
  name: indexVariable,
  valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexKey}']` } },
};
