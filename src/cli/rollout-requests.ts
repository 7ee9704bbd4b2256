import type { KubernetesObject, Pod, ReplicaSet } from "../api/core.ts";
import { type Resource, resources } from "../api/resources.ts";
import type { Rollout } from "../api/rollout.ts";
import { ApiError } from "../kubernetes/errors.ts";
import { isOwnedBy } from "../view/rollout-tree.ts";
import type { Cluster } from "./command.ts";

export function readRollout({ client, namespace }: Cluster, name: string): Promise<Rollout> {
  return client.get<Rollout>(resources.rollouts, namespace, name);
}

/** Merges into the spec; Kubernetes counts a new generation if that changes anything. */
export function patchSpec({ client, namespace }: Cluster, name: string, spec: object): Promise<Rollout> {
  return client.patch<Rollout>(resources.rollouts, namespace, name, { type: "merge", body: { spec } });
}

/** Merges into the status, which is how the controller is asked for something. */
export async function patchStatus(
  { client, namespace }: Cluster,
  name: string,
  status: object,
): Promise<Rollout> {
  const patch = { type: "merge", body: { status } } as const;
  try {
    return await client.patch<Rollout>(resources.rollouts, namespace, name, {
      ...patch,
      subresource: "status",
    });
  } catch (error) {
    // Old definitions of the kind have no status subresource; a Rollout that is not there fails a second time.
    if (!(error instanceof ApiError) || error.kind !== "notFound") throw error;
    return client.patch<Rollout>(resources.rollouts, namespace, name, patch);
  }
}

export async function readReplicaSets(cluster: Cluster, rollout: Rollout): Promise<readonly ReplicaSet[]> {
  const all = await listAll<ReplicaSet>(cluster, resources.replicaSets);
  return all.filter((replicaSet) => isOwnedBy(replicaSet, rollout));
}

export function readPods(cluster: Cluster): Promise<readonly Pod[]> {
  return listAll<Pod>(cluster, resources.pods);
}

async function listAll<T extends KubernetesObject>(
  { client, namespace }: Cluster,
  resource: Resource,
): Promise<readonly T[]> {
  const { items } = await client.list<T>(resource, { namespace });
  return items;
}
