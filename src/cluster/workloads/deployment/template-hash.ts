import { createHash } from "node:crypto";
import type { PodTemplateSpec } from "../../../api/core.ts";

/** On the ReplicaSets of a Deployment, their selectors and their pods: which template they are of. */
export const podTemplateHashLabel = "pod-template-hash";

// Kubernetes' own letters for such names: no vowels, so that no words come about, and none that look alike.
const letters = "bcdfghjklmnpqrstvwxz2456789";
const length = 10;

/**
 * A name for a template, the same for the same content whatever the order of its fields. `collisions`: how often the name was
 * found to be taken by another template.
 */
export function templateHash(template: PodTemplateSpec, collisions = 0): string {
  const digest = createHash("sha256")
    .update(`${collisions} ${canonical(template)}`)
    .digest();
  return Array.from(digest.subarray(0, length), (byte) => letters[byte % letters.length]).join("");
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === "object" && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  );
}
