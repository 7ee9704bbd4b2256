import type { KubernetesObject, ReplicaSet } from "../api/core.ts";
import { keyOf } from "../api/metadata.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { ApiError } from "../kubernetes/errors.ts";
import type { Action, Provided } from "../rollout/action.ts";
import { isAvailable } from "../rollout/replica-set.ts";
import type { Writer } from "./writer.ts";

/**
 * Carries out one action on behalf of `owner` with one API call, after one read where the action asks for it. Answers the
 * written object, nothing for a deletion; throws `ApiError`.
 */
export async function execute(
  action: Action,
  owner: KubernetesObject,
  writer: Writer,
  client: KubernetesClient,
): Promise<KubernetesObject | undefined> {
  const key = keyOf(owner);
  if (action.provided !== undefined) await confirm(action.provided, owner.metadata.namespace ?? "", client);
  switch (action.do) {
    case "create":
      return writer.create(key, action, action.object);
    case "patch":
      return writer.patch(key, { resource: action.resource, ...action.seen }, action.seen, action.patch);
    case "delete":
      await writer.delete(key, { resource: action.resource, ...action.seen }, action.seen);
      return undefined;
  }
}

/** One read past the caches; throws a `conflict` when they were behind and the object is not what they say. */
async function confirm(
  { resource, name, uid, availablePods }: Provided,
  namespace: string,
  client: KubernetesClient,
): Promise<void> {
  const what = `${resource.kind} ${name}`;
  const found = await client.get<ReplicaSet>(resource, namespace, name);
  if (found.metadata.uid !== uid || found.metadata.deletionTimestamp !== undefined)
    throw new ApiError("conflict", `${what} is being deleted, or is another one now`);
  if (availablePods === undefined || isAvailable(found, availablePods)) return;
  const message = `${what} does not have ${availablePods} available pods any more; users stay where they are`;
  throw new ApiError("conflict", message);
}
