import type { KubernetesObject, Pod, ReplicaSet } from "../api/core.ts";
import { type Resource, resources } from "../api/resources.ts";
import type { Rollout } from "../api/rollout.ts";
import { ApiError } from "../kubernetes/errors.ts";
import type { Answer, Patch, Refused } from "../view/requests/answer.ts";
import { byOwner, type Seen, seenOf } from "../view/seen.ts";
import type { Cluster } from "./command.ts";
import { CommandError } from "./errors.ts";

export function readRollout({ client, namespace }: Cluster, name: string): Promise<Rollout> {
  return client.get<Rollout>(resources.rollouts, namespace, name);
}

/**
 * A Rollout with its ReplicaSets and pods. What is not needed may be refused, and is then as if there were none: `versions` needs the
 * ReplicaSets, `everything` the pods too.
 */
export async function readSeen(
  cluster: Cluster,
  name: string,
  needs: "rollout" | "versions" | "everything",
): Promise<Seen> {
  const rollout = await readRollout(cluster, name);
  const [replicaSets, pods] = await Promise.all([
    listAll<ReplicaSet>(cluster, resources.replicaSets).catch(needs === "rollout" ? noneIfRefused : thrown),
    listAll<Pod>(cluster, resources.pods).catch(needs === "everything" ? thrown : noneIfRefused),
  ]);
  return seenOf(rollout, byOwner(replicaSets), byOwner(pods));
}

/** Carries out what is allowed, and answers what is to be told; `CommandError` with the way out for what is refused. */
export async function carryOut(cluster: Cluster, name: string, answer: Answer): Promise<string> {
  if (answer.is === "refused") throw refusalOf(answer);
  if (answer.is === "needless") return `${answer.because}\n`;
  for (const patch of answer.patches) await send(cluster, name, patch);
  return `rollout '${name}' ${answer.says}\n`;
}

export function refusalOf({ because, wayOut }: Refused): CommandError {
  return new CommandError(`${because}. ${wayOut}`);
}

async function send(cluster: Cluster, name: string, patch: Patch): Promise<void> {
  const { client, namespace } = cluster;
  switch (patch.of) {
    case "spec":
      await client.patch(resources.rollouts, namespace, name, { type: "merge", body: { spec: patch.merge } });
      return;
    case "status":
      return patchStatus(cluster, name, patch.merge);
    case "template":
      await client.patch(patch.resource, namespace, patch.name, {
        type: "json",
        body: [{ op: "replace", path: "/spec/template", value: patch.template }],
      });
  }
}

/** Merges into the status, which is how the controller is asked for something. */
async function patchStatus({ client, namespace }: Cluster, name: string, status: object): Promise<void> {
  const patch = { type: "merge", body: { status } } as const;
  try {
    await client.patch<Rollout>(resources.rollouts, namespace, name, { ...patch, subresource: "status" });
  } catch (error) {
    // Old definitions of the kind have no status subresource; a Rollout that is not there fails a second time.
    if (!(error instanceof ApiError) || error.kind !== "notFound") throw error;
    await client.patch<Rollout>(resources.rollouts, namespace, name, patch);
  }
}

function noneIfRefused(error: unknown): readonly never[] {
  if (error instanceof ApiError && (error.kind === "forbidden" || error.kind === "notFound")) return [];
  throw error;
}

function thrown(error: unknown): never {
  throw error;
}

async function listAll<T extends KubernetesObject>(
  { client, namespace }: Cluster,
  resource: Resource,
): Promise<readonly T[]> {
  const { items } = await client.list<T>(resource, { namespace });
  return items;
}
