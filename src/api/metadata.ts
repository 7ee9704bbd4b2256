import type { KubernetesObject, OwnerReference } from "./core.ts";

/** `namespace/name` of an object, or of another one in its namespace. The namespace is empty for objects without. */
export function keyOf(object: KubernetesObject, name = object.metadata.name): string {
  return `${object.metadata.namespace ?? ""}/${name}`;
}

/** What a key is made of. */
export function namespaceAndName(key: string): readonly [namespace: string, name: string] {
  const [namespace = "", name = ""] = key.split("/");
  return [namespace, name];
}

/** The one owner that is responsible for the object's existence. */
export function controllerOf({ metadata }: Pick<KubernetesObject, "metadata">): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}
