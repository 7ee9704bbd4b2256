import { readFileSync } from "node:fs";
import type { KubernetesObject } from "../../api/core.ts";
import { resources } from "../../api/resources.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";

/** Whose kinds a cluster may have from its start. Each is a file in `data/`, made by `tools/record-add-on.ts`. */
export const addOns = ["istio", "gateway-api"] as const;

/** Makes the API server know the kinds of `wanted`. A definition that is there already stays: it may be a newer one. */
export async function installAddOns(client: KubernetesClient, wanted: readonly string[]): Promise<void> {
  for (const addOn of wanted)
    for (const definition of definitionsOf(addOn)) {
      try {
        await client.create(resources.customResourceDefinitions, undefined, definition);
      } catch (error) {
        if (!(error instanceof ApiError) || error.kind !== "alreadyExists") throw error;
      }
    }
}

function definitionsOf(addOn: string): readonly KubernetesObject[] {
  const file = new URL(`./data/${addOn}.json`, import.meta.url);
  // Read, not imported: it is needed once, and modules are kept.
  return JSON.parse(readFileSync(file, "utf8")).definitions;
}
