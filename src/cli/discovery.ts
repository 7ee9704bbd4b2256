import type { Resource } from "../api/resources.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { ApiError } from "../kubernetes/errors.ts";
import { CommandError } from "./errors.ts";
import { nearest } from "./nearest.ts";

/** A kind that the server knows, with the words that people have for it. */
export interface KnownResource extends Resource {
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly verbs: readonly string[];
}

interface ResourceList {
  readonly resources: readonly {
    readonly name: string;
    readonly singularName?: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly shortNames?: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

interface GroupList {
  readonly groups: readonly {
    readonly name: string;
    readonly preferredVersion: { readonly version: string };
  }[];
}

/** Asks the server which kinds it has. */
export class Discovery {
  readonly #client: KubernetesClient;
  readonly #versions = new Map<string, Promise<readonly KnownResource[]>>();

  constructor(client: KubernetesClient) {
    this.#client = client;
  }

  /** The resource of an object's `apiVersion` and `kind`; undefined when the server has no such kind. */
  async ofKind(apiVersion: string, kind: string): Promise<KnownResource | undefined> {
    const [group = "", version = ""] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
    const known = await this.#resources(group, version);
    return known.find((resource) => resource.kind === kind);
  }

  /** The resource that a person means: `pods`, `pod`, `po`, `Pod`, `rollouts.argoproj.io`. */
  async named(word: string): Promise<KnownResource> {
    const all = await this.#all();
    const [name = "", ...group] = word.toLowerCase().split(".");
    const found = all.find(
      (resource) =>
        wordsFor(resource).includes(name) && (group.length === 0 || resource.group === group.join(".")),
    );
    if (found !== undefined) return found;
    const near = nearest(name, all.flatMap(wordsFor));
    const hint = near === undefined ? "" : `, did you mean "${near}"?`;
    throw new CommandError(`the server doesn't have a resource type "${word}"${hint}`);
  }

  async #all(): Promise<readonly KnownResource[]> {
    const { groups } = await this.#read<GroupList>("/apis");
    const versions = groups.map(({ name, preferredVersion }) =>
      this.#resources(name, preferredVersion.version),
    );
    return (await Promise.all([this.#resources("", "v1"), ...versions])).flat();
  }

  #resources(group: string, version: string): Promise<readonly KnownResource[]> {
    const path = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
    const asked = this.#versions.get(path) ?? this.#ask(path, group, version);
    this.#versions.set(path, asked);
    return asked;
  }

  async #ask(path: string, group: string, version: string): Promise<readonly KnownResource[]> {
    try {
      const { resources } = await this.#read<ResourceList>(path);
      return resources
        .filter(({ name }) => !name.includes("/"))
        .map(({ name, singularName = "", kind, namespaced, shortNames = [], verbs }) => ({
          group,
          version,
          plural: name,
          kind,
          namespaced,
          shortNames,
          verbs,
          singular: singularName || kind.toLowerCase(),
        }));
    } catch (error) {
      if (error instanceof ApiError && error.kind === "notFound") return [];
      throw error;
    }
  }

  async #read<T>(path: string): Promise<T> {
    return (await this.#client.raw({ method: "GET", path })) as T;
  }
}

function wordsFor({ plural, singular, kind, shortNames }: KnownResource): readonly string[] {
  return [plural, singular, kind.toLowerCase(), ...shortNames];
}

/** What kubectl calls an object in its messages: `service/web`, `rollout.argoproj.io/web`. */
export function objectName(resource: KnownResource, name: string): string {
  const kind = resource.kind.toLowerCase();
  return `${resource.group === "" ? kind : `${kind}.${resource.group}`}/${name}`;
}
