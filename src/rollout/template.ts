import type { PodTemplateSpec } from "../api/core.ts";
import { podTemplateHashLabel } from "../api/names.ts";
import { withPodTemplateDefaults } from "../api/pod-defaults.ts";
import { canonicalQuantity } from "../api/quantity.ts";

// Identity of pod templates. Two templates are the same when a Kubernetes API server would store the same pods for them,
// so it is made of what the server fills in and rewrites. A hash is only ever made for a template that has no ReplicaSet
// yet; the labels of ReplicaSets that exist, Argo's among them, are taken as they are.

/** 64 bits that stand for a whole template, which is a hundred times as large. */
export type TemplateIdentity = bigint;

/** Equal for all templates that make the same pods, different for all others. */
export function templateIdentity(template: PodTemplateSpec): TemplateIdentity {
  return fnv1a64(canonicalText(withoutBookkeeping(withPodTemplateDefaults(template))));
}

// Kubernetes' alphabet for generated names: no vowels and no look-alikes, so that no words arise.
const safeLetters = "bcdfghjklmnpqrstvwxz2456789";

/**
 * A new hash for a template, ten letters of Kubernetes' name alphabet. `collisionCount` gives another one when an object
 * of that name, but with another template, stands in the way.
 */
export function templateHash(identity: TemplateIdentity, collisionCount = 0): string {
  let rest = collisionCount === 0 ? identity : fnv1a64(`#${collisionCount}`, identity);
  let text = "";
  while (text.length < 10) {
    text += safeLetters[Number(rest % 27n)];
    rest /= 27n;
  }
  return text;
}

/**
 * FNV-1a with 64 bits, going on from the hash of a text before this one. Its prime is 2^40 + 0x1b3, so that two halves of
 * 32 bits can be multiplied as ordinary numbers: far faster than one large one.
 */
function fnv1a64(text: string, before = 0xcbf29ce484222325n): bigint {
  let high = Number(before >> 32n);
  let low = Number(before & 0xffffffffn);
  for (const byte of new TextEncoder().encode(text)) {
    const mixed = (low ^ byte) >>> 0;
    const product = mixed * 0x1b3;
    high = (high * 0x1b3 + Math.floor(product / 2 ** 32) + mixed * 2 ** 8) >>> 0;
    low = product >>> 0;
  }
  return (BigInt(high) << 32n) | BigInt(low);
}

function withoutBookkeeping(template: PodTemplateSpec): object {
  const { [podTemplateHashLabel]: _, ...labels } = template.metadata?.labels ?? {};
  const { serviceAccount: _deprecated, ...spec } = template.spec as PodTemplateSpec["spec"] & {
    readonly serviceAccount?: string;
  };
  return { metadata: { labels, annotations: template.metadata?.annotations ?? {} }, spec };
}

/**
 * One text for all values that mean the same: with sorted keys, without null and empty fields, which the server drops or
 * adds at will, and with quantities in one form. `key` and `parent` say where the value stands.
 */
function canonicalText(value: unknown, key = "", parent = ""): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalText(item, key, parent)).join()}]`;
  if (typeof value === "object" && value !== null) {
    const fields: string[] = [];
    for (const [field, item] of Object.entries(value)) {
      const text = canonicalText(item, field, key);
      if (!saysNothing.includes(text)) fields.push(`${field.length}"${field}:${text}`);
    }
    return `{${fields.sort().join()}}`;
  }
  if ((typeof value === "string" || typeof value === "number") && isQuantity(key, parent)) {
    const amount = canonicalQuantity(String(value)) ?? String(value);
    return `${amount.length}"${amount}`;
  }
  // The length instead of a closing quote: nothing that a text contains can look like its end.
  return typeof value === "string" ? `${value.length}"${value}` : String(value);
}

const saysNothing: readonly string[] = ["null", "undefined", '0"', "[]", "{}"];

function isQuantity(key: string, parent: string): boolean {
  return parent === "limits" || parent === "requests" || key === "sizeLimit" || key === "divisor";
}
