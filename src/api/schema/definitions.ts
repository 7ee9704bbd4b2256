import type { KubernetesObject } from "../core.ts";
import { openCustomResourceDefinitions } from "./open-kinds.ts";
import { rolloutCustomResourceDefinition } from "./rollout.ts";

/** Everything that an API server has to be told to know Teal's kinds; a file each in deploy/crds/. */
export function customResourceDefinitions(): readonly KubernetesObject[] {
  return [rolloutCustomResourceDefinition(), ...openCustomResourceDefinitions()] as KubernetesObject[];
}
