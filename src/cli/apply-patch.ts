import { lastAppliedAnnotation } from "../api/names.ts";
import type { Manifest } from "./manifests.ts";

type Json = unknown;
type JsonObject = Readonly<Record<string, Json>>;

/**
 * The manifest with a note of itself, so that a later apply, by Teal or by kubectl, knows which fields to take away when
 * they are no longer written. The note's form is kubectl's, to the byte.
 */
export function withLastApplied(manifest: Manifest): Manifest {
  const { [lastAppliedAnnotation]: _, ...annotations } = manifest.metadata.annotations ?? {};
  const bare = { ...manifest, metadata: { ...manifest.metadata, annotations } };
  const note = `${goJson(bare)}\n`;
  return {
    ...bare,
    metadata: { ...bare.metadata, annotations: { ...annotations, [lastAppliedAnnotation]: note } },
  };
}

/** What the live object was last applied as; undefined when it never was, or not readably. */
export function lastApplied(live: {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
}): JsonObject | undefined {
  const note = live.metadata.annotations?.[lastAppliedAnnotation];
  if (note === undefined) return undefined;
  try {
    const content: unknown = JSON.parse(note);
    return isObject(content) ? content : undefined;
  } catch {
    // Whoever wrote it was no apply: nothing is known that should go.
    return undefined;
  }
}

/**
 * The patch that puts everything of `wanted` in place and takes away what was `applied` before and is no longer wanted.
 * As a merge patch lists are replaced whole. As a strategic one, for Kubernetes' own kinds, the server merges lists by
 * their keys, so members that go have to be named.
 */
export function applyPatch(
  applied: JsonObject | undefined,
  wanted: JsonObject,
  form: "merge" | "strategic",
): JsonObject {
  return patchObject(applied ?? {}, wanted, form, "");
}

function patchObject(
  applied: JsonObject,
  wanted: JsonObject,
  form: "merge" | "strategic",
  parent: string,
): JsonObject {
  const gone = Object.keys(applied).filter((key) => !Object.hasOwn(wanted, key));
  const kept = Object.entries(wanted).map(([key, value]) => [
    key,
    patchValue(applied[key], value, form, key, parent),
  ]);
  return { ...Object.fromEntries(kept), ...Object.fromEntries(gone.map((key) => [key, null])) };
}

function patchValue(
  applied: Json,
  wanted: Json,
  form: "merge" | "strategic",
  field: string,
  parent: string,
): Json {
  if (isObject(wanted)) return patchObject(isObject(applied) ? applied : {}, wanted, form, field);
  const key = form === "strategic" ? mergeKey(field, parent) : undefined;
  if (!Array.isArray(wanted) || key === undefined) return wanted;
  return patchList(Array.isArray(applied) ? applied : [], wanted, key, field);
}

function patchList(applied: readonly Json[], wanted: readonly Json[], key: string, field: string): Json {
  const before = new Map(applied.filter(isObject).map((item) => [item[key], item]));
  const now = new Set(wanted.filter(isObject).map((item) => item[key]));
  const kept = wanted.map((item) =>
    isObject(item) ? patchObject(before.get(item[key]) ?? {}, item, "strategic", field) : item,
  );
  const gone = [...before.keys()]
    .filter((value) => !now.has(value))
    .map((value) => ({ $patch: "delete", [key]: value }));
  return [...kept, ...gone];
}

// The field that tells the members of a list of Kubernetes' own kinds apart; members of other lists have no identity.
const mergeKeys: Readonly<Record<string, string>> = {
  containers: "name",
  initContainers: "name",
  ephemeralContainers: "name",
  env: "name",
  volumes: "name",
  volumeMounts: "mountPath",
  volumeDevices: "devicePath",
  imagePullSecrets: "name",
  hostAliases: "ip",
  topologySpreadConstraints: "topologyKey",
  secrets: "name",
};

function mergeKey(field: string, parent: string): string | undefined {
  if (field === "ports") return parent === "spec" ? "port" : "containerPort";
  return Object.hasOwn(mergeKeys, field) ? mergeKeys[field] : undefined;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** JSON as Go's encoder writes it: keys in order, some signs escaped. */
function goJson(value: Json): string {
  return JSON.stringify(inOrder(value)).replace(
    /[<>&\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function inOrder(value: Json): Json {
  if (Array.isArray(value)) return value.map(inOrder);
  if (!isObject(value)) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, inOrder(value[key])]));
}
