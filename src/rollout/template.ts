import type { PodTemplateSpec, ReplicaSet } from "../api/core.ts";
import { podTemplateHashLabel, templateAnnotation } from "../api/names.ts";
import { withPodTemplateDefaults } from "../api/pod-defaults.ts";
import { quantityValue } from "../api/quantity.ts";
import { withoutInjections } from "./injections.ts";

// Identity of pod templates. Two templates are the same when a Kubernetes API server would make the same pods of them, so
// it is made of what the server fills in and rewrites. A hash is only ever made for a template that has no ReplicaSet yet;
// the labels of ReplicaSets that exist, Argo's among them, are taken as they are.

/** 64 bits that stand for a whole template, which is a hundred times as large. */
export type TemplateIdentity = bigint;

/** Equal for all templates that make the same pods, different for all others. The hash label is no part of it. */
export function templateIdentity(template: PodTemplateSpec): TemplateIdentity {
  return fnv1a64(canonicalText(withoutBookkeeping(withPodTemplateDefaults(template))));
}

/**
 * The templates that a ReplicaSet stands for; one for nearly all. First the one that it was made or taken over for, as an
 * annotation says, for a webhook or a newer API server may have changed what is stored. Then the one that is stored: as it
 * is, and without what Argo's controller has put into it.
 */
export function templatesOf(replicaSet: ReplicaSet): readonly TemplateIdentity[] {
  const { template } = replicaSet.spec;
  const recorded = recordedIdentity(replicaSet);
  const bare = withoutInjections(replicaSet);
  return [
    ...new Set([
      ...(recorded === undefined ? [] : [recorded]),
      templateIdentity(template),
      ...(bare === template ? [] : [templateIdentity(bare)]),
    ]),
  ];
}

/** The annotation of a ReplicaSet that stands for the template, whatever becomes of the one that is stored in it. */
export function templateRecord(identity: TemplateIdentity): Readonly<Record<string, string>> {
  return { [templateAnnotation]: identity.toString(16).padStart(16, "0") };
}

function recordedIdentity({ metadata }: ReplicaSet): TemplateIdentity | undefined {
  const text = metadata.annotations?.[templateAnnotation] ?? "";
  return /^[0-9a-f]{16}$/.test(text) ? BigInt(`0x${text}`) : undefined;
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
  // All of the metadata that pods get from their template.
  const { annotations = {}, finalizers = [] } = template.metadata ?? {};
  return { metadata: { labels, annotations, finalizers }, spec };
}

// Fields whose keys are the user's own: every entry counts, also one with an empty text.
const textMaps = new Set([
  "labels",
  "annotations",
  "nodeSelector",
  "matchLabels",
  "options",
  "volumeAttributes",
]);
const quantityMaps = new Set(["limits", "requests", "overhead"]);
const quantities = new Set(["sizeLimit", "divisor"]);
// Empty, they mean something else than left out: every pod instead of none, no class instead of the default one.
const emptyCounts = new Set([
  "labelSelector",
  "namespaceSelector",
  "selector",
  "storageClassName",
  "volumeAttributesClassName",
  "hostnameOverride",
]);

/** One text for all values that mean the same: with sorted keys, without what says nothing, and with quantities by value. */
function canonicalText(value: unknown, field = ""): string {
  if (Array.isArray(value)) return `[${value.map(elementText).join()}]`;
  if (typeof value === "object" && value !== null) {
    const isTextMap = textMaps.has(field);
    const texts: string[] = [];
    for (const [key, item] of Object.entries(value)) {
      const text = isTextMap
        ? quoted(String(item ?? ""))
        : quantityMaps.has(field) || quantities.has(key)
          ? quantityText(item)
          : canonicalText(item, key);
      if (isTextMap || emptyCounts.has(key) || !saysNothing.has(text)) texts.push(`${quoted(key)}:${text}`);
    }
    return `{${texts.sort().join()}}`;
  }
  return typeof value === "string" ? quoted(value) : String(value);
}

const saysNothing: ReadonlySet<string> = new Set(["null", "undefined", '0"', "[]", "{}"]);

// An element that says nothing still counts: an empty argument, a term that takes every node.
function elementText(element: unknown): string {
  const text = canonicalText(element);
  return saysNothing.has(text) ? '0"' : text;
}

/** The length instead of a closing quote: nothing that a text contains can look like its end. */
function quoted(text: string): string {
  return `${text.length}"${text}`;
}

/** A text that is no quantity, which no API server takes, is only equal to itself. */
function quantityText(quantity: unknown): string {
  const value = quantity ?? 0;
  if (typeof value !== "string" && typeof value !== "number") return canonicalText(value);
  return quantityValue(String(value))?.toString() ?? quoted(String(value));
}
