import type { KubernetesObject } from "../../api/core.ts";
import { equalJson } from "../../api/equal-json.ts";
import type { Resource } from "../../api/resources.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { unlessGone } from "../../kubernetes/errors.ts";
import { mergePatchBetween } from "../../kubernetes/merge-patch.ts";

interface WithStatus extends KubernetesObject {
  readonly status?: object;
}

/** Writes what differs in a status, and knows its own writes again when the watch tells of them. */
export class StatusWriter<T extends WithStatus> {
  readonly #client: KubernetesClient;
  readonly #resource: Resource;
  /** The status that was last found right for each object, by uid. */
  readonly #right = new Map<string, object>();

  readonly #isGuarded: boolean;

  /** `isGuarded`: what was made of an older state of the object is refused. */
  constructor(client: KubernetesClient, resource: Resource, isGuarded = false) {
    this.#client = client;
    this.#resource = resource;
    this.#isGuarded = isGuarded;
  }

  /** Answers the object as it is then; undefined when nothing was written. `annotations`: what is to be written with it, since a write to a status may change those too. */
  async write(
    object: T,
    status: NonNullable<T["status"]>,
    annotations: Readonly<Record<string, string>> = {},
  ): Promise<T | undefined> {
    const { namespace, name, uid = "", resourceVersion } = object.metadata;
    // Known before it is written, because the watch may tell of the write before its answer comes.
    this.#right.set(uid, status);
    const patch = mergePatchBetween(object.status ?? {}, status);
    const present = object.metadata.annotations ?? {};
    const isAnnotated = Object.entries(annotations).every(([key, value]) => present[key] === value);
    if (patch === undefined && isAnnotated) return undefined;
    const body = {
      metadata: {
        uid,
        ...(this.#isGuarded ? { resourceVersion } : {}),
        ...(isAnnotated ? {} : { annotations }),
      },
      ...(patch === undefined ? {} : { status: patch }),
    };
    const written = await this.#client
      .patch<T>(this.#resource, namespace, name, { type: "merge", body, subresource: "status" })
      .catch(unlessGone);
    return written ?? undefined;
  }

  /** Whether the status, as it was written here, is all that has changed. */
  isOwnWrite(object: T, previous: T): boolean {
    const right = this.#right.get(object.metadata.uid ?? "");
    if (right === undefined || !equalJson(object.status ?? {}, right)) return false;
    return equalJson(withoutStatus(object), withoutStatus(previous));
  }

  forget({ metadata }: T): void {
    this.#right.delete(metadata.uid ?? "");
  }
}

function withoutStatus(object: WithStatus): object {
  const { status: _status, metadata, ...rest } = object;
  // Every write of a status also changes who has written it, and when.
  const {
    resourceVersion: _version,
    managedFields: _managers,
    ...others
  } = metadata as typeof metadata & {
    readonly managedFields?: unknown;
  };
  return { ...rest, metadata: others };
}

/** Counts as they stand in a status: Kubernetes leaves those of zero out. */
export function counted<C extends Readonly<Record<string, number>>>(counts: C): Partial<C> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)) as Partial<C>;
}
