import type { KubernetesObject } from "../../api/core.ts";
import { apiVersionOf } from "../../api/resources.ts";
import type { Store } from "../store/store.ts";
import { customKinds } from "./custom/custom-kind.ts";
import { builtInKinds, type Kind } from "./kind.ts";
import type { ApiObject } from "./kinds/rules.ts";
import type { ResourceInfo } from "./resource-info.ts";

export const definitions = "customresourcedefinitions.apiextensions.k8s.io";

/** All kinds that are served now: the built-in ones, and those of the CustomResourceDefinitions in the store. */
export class KindRegistry {
  readonly #custom = new Map<string, readonly Kind[]>();
  readonly #byPath = new Map<string, Kind>();
  readonly #onRemoved: (collection: string) => void;
  #resources: readonly ResourceInfo[] | undefined;

  /** @param onRemoved is told the collection of a resource that is served no longer. */
  constructor(store: Store, onRemoved: (collection: string) => void) {
    this.#onRemoved = onRemoved;
    for (const kind of builtInKinds) this.#byPath.set(pathKey(kind.info), kind);
    for (const definition of store.list(definitions)) this.#add(definition);
    store.listen(definitions, ({ type, object }) => {
      this.#remove(object.metadata.name);
      if (type === "DELETED") this.#onRemoved(object.metadata.name);
      else this.#add(object);
    });
  }

  find(group: string, version: string, plural: string): Kind | undefined {
    return this.#byPath.get(pathKey({ group, version, plural }));
  }

  hasGroupVersion(group: string, version: string): boolean {
    return this.resources().some((info) => info.group === group && info.version === version);
  }

  isServed(apiVersion: string, kind: string): boolean {
    return this.resources().some((info) => info.kind === kind && apiVersionOf(info) === apiVersion);
  }

  /** In the order of discovery. The same array until the kinds change. */
  resources(): readonly ResourceInfo[] {
    this.#resources ??= [...this.#byPath.values()].map(({ info }) => info);
    return this.#resources;
  }

  /** One kind of each collection, for what concerns all versions alike. */
  ofCollection(collection: string): Kind | undefined {
    return this.#custom.get(collection)?.[0];
  }

  #add(definition: KubernetesObject): void {
    const kinds = customKinds(definition as ApiObject);
    this.#custom.set(definition.metadata.name, kinds);
    for (const kind of kinds) this.#byPath.set(pathKey(kind.info), kind);
    this.#resources = undefined;
  }

  #remove(name: string): void {
    for (const kind of this.#custom.get(name) ?? []) this.#byPath.delete(pathKey(kind.info));
    this.#custom.delete(name);
    this.#resources = undefined;
  }
}

function pathKey({ group, version, plural }: { group: string; version: string; plural: string }): string {
  return `${group}/${version}/${plural}`;
}
