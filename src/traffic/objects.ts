import type { EndpointSlice, KubernetesObject } from "../api/core.ts";
import { serviceNameLabel } from "../api/names.ts";
import { type Resource, resources } from "../api/resources.ts";

/** Objects of the cluster, found by what they are asked for. */
export interface Objects {
  get<T extends KubernetesObject>(resource: Resource, namespace: string, name: string): T | undefined;
  /** In no order that means anything. */
  slicesOf(namespace: string, service: string): readonly EndpointSlice[];
}

/** Looks up a few objects, as a snapshot has them. */
export function objectsIn(objects: readonly KubernetesObject[]): Objects {
  const byName = new Map(objects.map((object) => [idOf(object.kind, object.metadata), object]));
  return {
    get: <T extends KubernetesObject>({ kind }: Resource, namespace: string, name: string) =>
      byName.get(idOf(kind, { namespace, name })) as T | undefined,
    slicesOf: (namespace, service) =>
      objects.filter(
        (object): object is EndpointSlice =>
          object.kind === resources.endpointSlices.kind &&
          object.metadata.namespace === namespace &&
          object.metadata.labels?.[serviceNameLabel] === service,
      ),
  };
}

function idOf(kind: string, { namespace = "", name }: { namespace?: string; name: string }): string {
  return `${kind} ${namespace}/${name}`;
}
