import type { KubernetesObject } from "../../api/core.ts";
import { type Refused, refused } from "./answer.ts";

const containerLists = ["initContainers", "containers", "ephemeralContainers"] as const;

interface NamedContainer {
  readonly name: string;
  readonly image?: string;
}

/** A Rollout, or a workload that one refers to. */
export interface Templated extends KubernetesObject {
  readonly spec: {
    readonly template?: {
      readonly spec?: { readonly [List in (typeof containerLists)[number]]?: readonly NamedContainer[] };
    };
  };
}

/**
 * The same object with other images, by the names of containers or `*` for all; everything else stays, also fields that are
 * not known here. Refused where there is no such container.
 */
export function withImages<T extends Templated>(
  object: T,
  images: ReadonlyMap<string, string>,
): { readonly is: "allowed"; readonly object: T } | Refused {
  const podSpec = object.spec.template?.spec ?? {};
  const names = containerLists.flatMap((list) => (podSpec[list] ?? []).map(({ name }) => name));
  for (const container of images.keys()) {
    if (container !== "*" && !names.includes(container))
      return refused(
        `unable to find container named "${container}"`,
        names.length === 0 ? "The template has none" : `There is ${names.join(", ")}`,
      );
  }
  const changed = containerLists.flatMap((list) => {
    const containers = podSpec[list];
    return containers === undefined ? [] : [[list, containers.map((it) => withImage(it, images))]];
  });
  const template = { ...object.spec.template, spec: { ...podSpec, ...Object.fromEntries(changed) } };
  return { is: "allowed", object: { ...object, spec: { ...object.spec, template } } };
}

function withImage(container: NamedContainer, images: ReadonlyMap<string, string>): NamedContainer {
  const image = images.get(container.name) ?? images.get("*");
  return image === undefined ? container : { ...container, image };
}
