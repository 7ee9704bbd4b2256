import type { KubernetesObject } from "../api/core.ts";
import { controllerOf } from "../api/metadata.ts";
import type { Rollout } from "../api/rollout.ts";

// How a ReplicaSet without a controller and the Rollouts that select it find each other without looking at all others.

/** Under its namespace, and under each of its labels, when it has no controller. */
export function ownerlessKeys(replicaSet: KubernetesObject): readonly string[] {
  const { namespace = "", labels } = replicaSet.metadata;
  if (controllerOf(replicaSet) !== undefined) return [];
  return [namespace, ...pairsOf(labels).map((pair) => `${namespace}/${pair}`)];
}

/** Under each label of its selector, with how many there are; one without any under its namespace. */
export function selectorKeys({ metadata, spec }: Rollout): readonly string[] {
  const { namespace = "" } = metadata;
  const pairs = pairsOf(spec?.selector?.matchLabels);
  if (pairs.length === 0) return [namespace];
  return pairs.map((pair) => `${namespace}/${pairs.length}/${pair}`);
}

type Find<T> = (key: string) => readonly T[];

/** All ownerless ReplicaSets that a Rollout's selector may take, and few others: those of its rarest label. */
export function ownerlessFor<T>({ metadata, spec }: Rollout, ownerless: Find<T>): readonly T[] {
  const { namespace = "" } = metadata;
  const [rarest = ownerless(namespace)] = pairsOf(spec?.selector?.matchLabels)
    .map((pair) => ownerless(`${namespace}/${pair}`))
    .toSorted((a, b) => a.length - b.length);
  return rarest;
}

/**
 * All Rollouts whose selectors may take an object, and few others. One whose selector has n labels is found under n of the
 * object's m labels, so the n - 1 labels that most Rollouts have need not be looked at.
 */
export function selectingRollouts(
  { metadata }: KubernetesObject,
  selecting: Find<Rollout>,
): readonly Rollout[] {
  const { namespace = "", labels } = metadata;
  const pairs = pairsOf(labels);
  const found = new Set(selecting(namespace));
  for (let count = 1; count <= pairs.length; count += 1) {
    const lists = pairs.map((pair) => selecting(`${namespace}/${count}/${pair}`));
    const rarest = lists.toSorted((a, b) => a.length - b.length).slice(0, pairs.length - count + 1);
    for (const rollout of rarest.flat()) found.add(rollout);
  }
  return [...found];
}

function pairsOf(labels: Readonly<Record<string, string>> | undefined): readonly string[] {
  return Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
}
