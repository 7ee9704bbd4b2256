import { resources } from "../../api/resources.ts";
import { customResourceDefinitions } from "../../api/schema/definitions.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ensure } from "./ensure.ts";

/** Makes the API server know Rollouts and what belongs to them, as this version of Teal defines them. */
export async function installDefinitions(client: KubernetesClient): Promise<void> {
  for (const definition of customResourceDefinitions())
    await ensure(client, resources.customResourceDefinitions, definition);
  // Answered only when Rollouts are served.
  await client.list(resources.rollouts, { limit: 1 });
}
