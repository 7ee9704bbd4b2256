import type { KubernetesObject } from "../api/core.ts";
import { keyOf } from "../api/metadata.ts";
import type { Resource } from "../api/resources.ts";
import type { ReadKind } from "./read-kind.ts";

/** Objects of the cluster, found by what they are asked for. */
export interface Objects {
  get<T extends KubernetesObject>(resource: Resource, namespace: string, name: string): T | undefined;
  /** The objects of this kind that tell something about the one with this key (`objectKeyOf`), in no order that means anything. */
  about<T extends KubernetesObject>(resource: Resource, key: string): readonly T[];
}

const indexed = new WeakMap<readonly KubernetesObject[], Objects>();

/**
 * Looks up a few objects, as a snapshot has them: of the kinds that routers read, and others. They are indexed once, however
 * often the same snapshot is asked.
 */
export function objectsIn(objects: readonly KubernetesObject[], kinds: readonly ReadKind[]): Objects {
  const known = indexed.get(objects) ?? index(objects, kinds);
  indexed.set(objects, known);
  return known;
}

function index(objects: readonly KubernetesObject[], kinds: readonly ReadKind[]): Objects {
  const byName = new Map(objects.map((object) => [`${object.kind} ${keyOf(object)}`, object]));
  const kindOf = new Map(kinds.map((kind) => [kind.resource.kind, kind]));
  const telling = new Map<string, KubernetesObject[]>();
  for (const object of objects) {
    const kind = kindOf.get(object.kind);
    for (const key of kind?.about?.(object) ?? []) {
      const of = `${object.kind} ${key}`;
      const others = telling.get(of);
      if (others === undefined) telling.set(of, [object]);
      else others.push(object);
    }
  }
  return {
    get: <T extends KubernetesObject>({ kind }: Resource, namespace: string, name: string) =>
      byName.get(`${kind} ${namespace}/${name}`) as T | undefined,
    about: <T extends KubernetesObject>({ kind }: Resource, key: string) =>
      (telling.get(`${kind} ${key}`) ?? []) as unknown as readonly T[],
  };
}
