import type { PodTemplateSpec, ReplicaSet } from "../../../api/core.ts";
import { equalJson } from "../../../api/equal-json.ts";
import type { Deployment, Revisions } from "./deployment.ts";
import { podTemplateHashLabel } from "./template-hash.ts";

export const revisionAnnotation = "deployment.kubernetes.io/revision";
const revisionHistoryAnnotation = "deployment.kubernetes.io/revision-history";
const desiredAnnotation = "deployment.kubernetes.io/desired-replicas";
const mostAnnotation = "deployment.kubernetes.io/max-replicas";

/** What a Deployment and its ReplicaSets each have for themselves; all other annotations of the Deployment go on. */
const ownAnnotations: ReadonlySet<string> = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  "deprecated.deployment.rollback.to",
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredAnnotation,
  mostAnnotation,
]);

/** Which of the ReplicaSets is of the Deployment's template: templates are compared, names and hashes prove nothing. */
export function revisionsOf(deployment: Deployment, replicaSets: readonly ReplicaSet[]): Revisions {
  const sorted = replicaSets.toSorted(
    (a, b) =>
      (a.metadata.creationTimestamp ?? "").localeCompare(b.metadata.creationTimestamp ?? "") ||
      a.metadata.name.localeCompare(b.metadata.name),
  );
  const current = sorted.find(({ spec }) => isOfTemplate(spec.template, deployment.spec.template));
  return { current, old: sorted.filter((replicaSet) => replicaSet !== current) };
}

export function isOfTemplate(template: PodTemplateSpec, wanted: PodTemplateSpec): boolean {
  return equalJson(withoutHash(template), withoutHash(wanted));
}

export function revisionOf({ metadata }: ReplicaSet): number {
  return Number(metadata.annotations?.[revisionAnnotation] ?? 0) || 0;
}

/** The annotations by which later passes know what a ReplicaSet was scaled for. */
export function scaleAnnotations(replicas: number, most: number): Readonly<Record<string, string>> {
  return { [desiredAnnotation]: String(replicas), [mostAnnotation]: String(most) };
}

/** For how many replicas, and how many at most, a ReplicaSet was scaled; undefined when nobody has said so. */
export function scaledFor({ metadata }: ReplicaSet): {
  readonly desired: number | undefined;
  readonly most: number | undefined;
} {
  const number = (key: string) => {
    const text = metadata.annotations?.[key];
    return text === undefined ? undefined : Number(text);
  };
  return { desired: number(desiredAnnotation), most: number(mostAnnotation) };
}

/** What is to be said on the current ReplicaSet: the newest revision, and what people have written on the Deployment. */
export function currentAnnotations(
  deployment: Deployment,
  { current, old }: Revisions,
): Readonly<Record<string, string>> {
  const newest = Math.max(0, ...old.map(revisionOf)) + 1;
  const before = current === undefined ? 0 : revisionOf(current);
  const history = current?.metadata.annotations?.[revisionHistoryAnnotation];
  const told = Object.entries(deployment.metadata.annotations ?? {}).filter(
    ([key]) => !ownAnnotations.has(key),
  );
  return {
    ...Object.fromEntries(told),
    ...(before >= newest ? {} : { [revisionAnnotation]: String(newest) }),
    ...(before >= newest || before === 0
      ? {}
      : { [revisionHistoryAnnotation]: history ? `${history},${before}` : String(before) }),
  };
}

function withoutHash(template: PodTemplateSpec): object {
  const { metadata: { labels = {}, ...metadata } = {}, spec } = template;
  const { [podTemplateHashLabel]: _hash, ...others } = labels;
  return { metadata: { ...metadata, labels: others }, spec };
}
