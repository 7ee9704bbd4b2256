import type { KubernetesObject } from "../../api/core.ts";
import type { Resource } from "../../api/resources.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";

/** Creates an object, or makes the one that is there say the same, metadata aside. */
export async function ensure(
  client: KubernetesClient,
  resource: Resource,
  object: KubernetesObject,
): Promise<void> {
  const { metadata, ...body } = object;
  try {
    await client.create(resource, metadata.namespace, object);
  } catch (error) {
    if (!(error instanceof ApiError) || error.kind !== "alreadyExists") throw error;
    await client.patch(resource, metadata.namespace, metadata.name, { type: "merge", body });
  }
}
