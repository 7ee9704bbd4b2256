import type { EndpointSlice, KubernetesObject } from "../api/core.ts";
import { keyOf } from "../api/metadata.ts";
import { serviceNameLabel } from "../api/names.ts";
import { type Resource, resources } from "../api/resources.ts";

/** Objects of the cluster, found by what they are asked for. */
export interface Objects {
  get<T extends KubernetesObject>(resource: Resource, namespace: string, name: string): T | undefined;
  /** In no order that means anything. */
  slicesOf(namespace: string, service: string): readonly EndpointSlice[];
}

const indexed = new WeakMap<readonly KubernetesObject[], Objects>();

/** Looks up a few objects, as a snapshot has them. They are indexed once, however often the same snapshot is asked. */
export function objectsIn(objects: readonly KubernetesObject[]): Objects {
  const known = indexed.get(objects) ?? index(objects);
  indexed.set(objects, known);
  return known;
}

function index(objects: readonly KubernetesObject[]): Objects {
  const byName = new Map(objects.map((object) => [`${object.kind} ${keyOf(object)}`, object]));
  const slices = Map.groupBy(objects.filter(isSlice), (slice) =>
    keyOf(slice, slice.metadata.labels?.[serviceNameLabel] ?? ""),
  );
  return {
    get: <T extends KubernetesObject>({ kind }: Resource, namespace: string, name: string) =>
      byName.get(`${kind} ${namespace}/${name}`) as T | undefined,
    slicesOf: (namespace, service) => slices.get(`${namespace}/${service}`) ?? [],
  };
}

function isSlice(object: KubernetesObject): object is EndpointSlice {
  return object.kind === resources.endpointSlices.kind;
}
