import type { PodTemplateSpec, ReplicaSet } from "../api/core.ts";
import { ephemeralMetadataAnnotation, podTemplateHashLabel } from "../api/names.ts";

// What Argo's controller puts into the template of a ReplicaSet beside what the Rollout says: activeMetadata or
// previewMetadata, as it notes in an annotation, and the term of `antiAffinity` that keeps two versions off one node.

type Fields = Readonly<Record<string, unknown>>;

/** The ReplicaSet's template without them; the very same object when there are none. */
export function withoutInjections(replicaSet: ReplicaSet): PodTemplateSpec {
  const { namespace = "" } = replicaSet.metadata;
  return withoutVersionAffinity(withoutEphemeralMetadata(replicaSet), namespace);
}

/** What somebody has changed since is not Argo's any more and stays, and so do the labels that pods are selected by. */
function withoutEphemeralMetadata({
  metadata: own,
  spec: { template, selector },
}: ReplicaSet): PodTemplateSpec {
  const { labels, annotations } = fieldsOf(parsed(own.annotations?.[ephemeralMetadataAnnotation]));
  let { metadata } = template;
  for (const [field, injected] of [
    ["labels", without(fieldsOf(labels), selector.matchLabels)],
    ["annotations", fieldsOf(annotations)],
  ] as const) {
    const texts = Object.entries(metadata?.[field] ?? {});
    const kept = texts.filter(([key, text]) => injected[key] !== text);
    if (kept.length < texts.length) metadata = { ...metadata, [field]: Object.fromEntries(kept) };
  }
  return metadata === undefined || metadata === template.metadata ? template : { ...template, metadata };
}

function withoutVersionAffinity(template: PodTemplateSpec, namespace: string): PodTemplateSpec {
  const { affinity: all, ...spec } = template.spec as PodTemplateSpec["spec"] & {
    readonly affinity?: unknown;
  };
  const affinity = fieldsOf(all);
  let antiAffinity = fieldsOf(affinity.podAntiAffinity);
  let isChanged = false;
  for (const [field, termOf] of [
    ["requiredDuringSchedulingIgnoredDuringExecution", (item: unknown) => item],
    ["preferredDuringSchedulingIgnoredDuringExecution", (item: unknown) => fieldsOf(item).podAffinityTerm],
  ] as const) {
    const terms = antiAffinity[field];
    if (!Array.isArray(terms) || !terms.some((item) => isVersionTerm(termOf(item), namespace))) continue;
    antiAffinity = withField(
      antiAffinity,
      field,
      terms.filter((item) => !isVersionTerm(termOf(item), namespace)),
    );
    isChanged = true;
  }
  if (!isChanged) return template;
  const kept = withField(affinity, "podAntiAffinity", antiAffinity);
  return { ...template, spec: { ...spec, ...withField({}, "affinity", kept) } };
}

/** Pods of a certain version, or of all others, on the same node. Nobody writes such a term by hand, as it names a hash. */
function isVersionTerm(term: unknown, namespace: string): boolean {
  const { labelSelector, topologyKey, namespaces = [namespace], ...more } = fieldsOf(term);
  const { matchExpressions, ...others } = fieldsOf(labelSelector);
  const [expression, ...further] = Array.isArray(matchExpressions) ? matchExpressions : [];
  const { key, operator } = fieldsOf(expression);
  const isAll = [...further, ...Object.keys(more), ...Object.keys(others)].length === 0;
  const isHere = Array.isArray(namespaces) && namespaces.length === 1 && namespaces[0] === namespace;
  const isOfHash = key === podTemplateHashLabel && (operator === "In" || operator === "NotIn");
  return isAll && isHere && isOfHash && topologyKey === "kubernetes.io/hostname";
}

function without(fields: Fields, others: Fields = {}): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => !(key in others)));
}

/** With the field in place of the former one; without it when it is empty. */
function withField(fields: Fields, name: string, value: object): Fields {
  const { [name]: _, ...others } = fields;
  return Object.keys(value).length === 0 ? others : { ...others, [name]: value };
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    // Not Argo's note, then: nothing is known to be injected.
    return undefined;
  }
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
