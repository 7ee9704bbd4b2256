import type { PodTemplateSpec } from "../api/core.ts";
import { podTemplateHashLabel } from "../api/names.ts";
import { withPodTemplateDefaults } from "../api/pod-defaults.ts";
import { canonicalQuantity } from "../api/quantity.ts";

// Identity of pod templates. Two templates are the same when a Kubernetes API server would store the same pods for them,
// so the comparison goes over what the server fills in and rewrites. A hash is only ever made for a template that has no
// ReplicaSet yet; the labels of ReplicaSets that exist, Argo's among them, are taken as they are.

/** Whether both templates make the same pods. */
export function isSameTemplate(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  return canonicalText(a) === canonicalText(b);
}

const canonicalTexts = new WeakMap<PodTemplateSpec, string>();

/** The same text for all templates that make the same pods. Remembered per object, as cached objects do not change. */
export function canonicalText(template: PodTemplateSpec): string {
  const known = canonicalTexts.get(template);
  if (known !== undefined) return known;
  const text = JSON.stringify(normal(withoutBookkeeping(withPodTemplateDefaults(template)), []));
  canonicalTexts.set(template, text);
  return text;
}

// Kubernetes' alphabet for generated names: no vowels and no look-alikes, so that no words arise.
const safeLetters = "bcdfghjklmnpqrstvwxz2456789";

/**
 * A new hash for a template, ten letters of Kubernetes' name alphabet. `collisionCount` gives another one when an object
 * of that name, but with another template, stands in the way.
 */
export function templateHash(template: PodTemplateSpec, collisionCount = 0): string {
  let rest = fnv1a64(canonicalText(template) + (collisionCount === 0 ? "" : `#${collisionCount}`));
  let text = "";
  while (text.length < 10) {
    text += safeLetters[Number(rest % 27n)];
    rest /= 27n;
  }
  return text;
}

// FNV-1a with 64 bits: short, and good enough where a collision is noticed and stepped around.
function fnv1a64(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return hash;
}

function withoutBookkeeping(template: PodTemplateSpec): object {
  const { [podTemplateHashLabel]: _, ...labels } = template.metadata?.labels ?? {};
  const { serviceAccount: _deprecated, ...spec } = template.spec as PodTemplateSpec["spec"] & {
    readonly serviceAccount?: string;
  };
  return { metadata: { labels, annotations: template.metadata?.annotations ?? {} }, spec };
}

/** Keys sorted; null and empty values left out, as the server drops or adds them at will; quantities in one form. */
function normal(value: unknown, path: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => normal(item, path));
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value)
      .map(([key, item]) => [key, normal(item, [...path, key])] as const)
      .filter(([, item]) => !isEmpty(item))
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries);
  }
  if ((typeof value === "string" || typeof value === "number") && isQuantity(path)) {
    return canonicalQuantity(String(value)) ?? value;
  }
  return value;
}

function isQuantity(path: readonly string[]): boolean {
  const parent = path.at(-2);
  return (
    parent === "limits" || parent === "requests" || path.at(-1) === "sizeLimit" || path.at(-1) === "divisor"
  );
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
