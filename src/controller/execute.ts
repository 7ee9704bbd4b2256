import type { KubernetesObject, ReplicaSet } from "../api/core.ts";
import { keyOf } from "../api/metadata.ts";
import { type Resource, resources } from "../api/resources.ts";
import type { Rollout } from "../api/rollout.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { ApiError } from "../kubernetes/errors.ts";
import type { Action, LiveTarget } from "../rollout/plan-types.ts";
import { isAvailable } from "../rollout/replica-set.ts";
import type { Target, Writer } from "./writer.ts";

/** Carries out one action with one API call. Answers the written object, nothing for a deletion; throws `ApiError`. */
export async function execute(
  action: Action,
  rollout: Rollout,
  writer: Writer,
  client: KubernetesClient,
): Promise<KubernetesObject | undefined> {
  const owner = keyOf(rollout);
  const namespace = rollout.metadata.namespace ?? "";
  const target = (resource: Resource, name: string): Target => ({ resource, namespace, name });
  switch (action.do) {
    case "createReplicaSet":
      return writer.create(owner, { resource: resources.replicaSets, namespace }, action.replicaSet);
    case "scaleReplicaSet":
    case "annotateReplicaSet":
    case "adoptReplicaSet":
      return writer.patch(owner, target(resources.replicaSets, action.seen.name), action.seen, action.patch);
    case "deleteReplicaSet":
      await writer.delete(owner, target(resources.replicaSets, action.seen.name), action.seen);
      return undefined;
    case "annotateRollout":
    case "setReplicas":
      return writer.patch(owner, target(resources.rollouts, action.seen.name), action.seen, action.patch);
    case "route":
      if (action.provided !== undefined) await confirm(action.provided, namespace, client);
      return writer.patch(owner, action.write, action.write, action.write.patch);
  }
}

/** One read past the caches; throws a `conflict` when they were behind and the target is not what they say. */
async function confirm(
  { name, uid, available }: LiveTarget,
  namespace: string,
  client: KubernetesClient,
): Promise<void> {
  const target = await client.get<ReplicaSet>(resources.replicaSets, namespace, name);
  if (target.metadata.uid === uid && isAvailable(target, available)) return;
  const message = `ReplicaSet ${name} does not have ${available} available pods any more; users stay where they are`;
  throw new ApiError("conflict", message);
}

/** What an action does, for logs and people. */
export function describe(action: Action): string {
  switch (action.do) {
    case "createReplicaSet":
      return `create ReplicaSet ${action.replicaSet.metadata.name}`;
    case "scaleReplicaSet":
      return `scale ReplicaSet ${action.seen.name} from ${action.from} to ${action.to}`;
    case "annotateReplicaSet":
      return `update ReplicaSet ${action.seen.name}`;
    case "adoptReplicaSet":
      return `adopt ReplicaSet ${action.seen.name}`;
    case "deleteReplicaSet":
      return `delete ReplicaSet ${action.seen.name}`;
    case "annotateRollout":
      return "annotate the Rollout";
    case "setReplicas":
      return "set the Rollout's replicas";
    case "route":
      return `point the ${action.role} route (${action.write.resource.kind} ${action.write.name}) to ${action.to}`;
  }
}
