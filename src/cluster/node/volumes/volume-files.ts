import type { Pod } from "../../../api/core.ts";
import type { DownwardItem, FileSource, KeyToPath, Volume } from "../../../api/volumes.ts";
import { earliest, type Instant } from "../../../time/clock.ts";
import { podField, resourceField } from "../pod-fields.ts";
import type { VolumeFile, VolumeFiles } from "./atomic-files.ts";
import { VolumeError } from "./volume-error.ts";

/** Where files come from. What is not there is undefined; all else that goes wrong is thrown. */
export interface VolumeSources {
  readonly pod: Pod;
  readonly hostIp: string;
  readonly podIp: string;
  /** The entries of a ConfigMap or Secret of the pod's namespace. */
  data(kind: "configmap" | "secret", name: string): Promise<ReadonlyMap<string, Uint8Array> | undefined>;
  /** A token of the pod's ServiceAccount, and when another one is to be asked for. */
  token(
    audience: string | undefined,
    expirationSeconds: number,
  ): Promise<{ readonly text: string; readonly renewAt: Instant }>;
}

export interface MadeFiles {
  readonly files: VolumeFiles;
  /** When they must be made anew although nothing has changed. */
  readonly renewAt?: Instant | undefined;
}

// As Kubernetes has them.
const defaultMode = 0o644;
const defaultTokenSeconds = 3600;

/** Whether the volume's files are made of objects of the API. */
export function isMadeOfFiles(volume: Volume): boolean {
  return sourcesIn(volume) !== undefined;
}

/** Names of the ConfigMaps and Secrets that the volume's files come from, as `configmap/NAME`. */
export function objectsOf(volume: Volume): readonly string[] {
  return (sourcesIn(volume)?.sources ?? []).flatMap(({ configMap, secret }) => [
    ...(configMap === undefined ? [] : [`configmap/${configMap.name}`]),
    ...(secret === undefined ? [] : [`secret/${secret.name}`]),
  ]);
}

/** The files of a configMap, secret, downwardAPI or projected volume. Throws `VolumeError` when something is not there. */
export async function filesOf(volume: Volume, from: VolumeSources): Promise<MadeFiles> {
  const { sources = [], mode = defaultMode } = sourcesIn(volume) ?? {};
  const files = new Map<string, VolumeFile>();
  let renewAt: Instant | undefined;
  for (const source of sources) {
    const made = await filesFrom(source, mode, volume, from);
    for (const [path, file] of made.files) files.set(path, file);
    renewAt = earliest(renewAt, made.renewAt);
  }
  return { files, renewAt };
}

function sourcesIn(
  volume: Volume,
): { readonly sources: readonly FileSource[]; readonly mode: number | undefined } | undefined {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (projected !== undefined) return { sources: projected.sources ?? [], mode: projected.defaultMode };
  if (configMap !== undefined) return { sources: [{ configMap }], mode: configMap.defaultMode };
  if (downwardAPI !== undefined) return { sources: [{ downwardAPI }], mode: downwardAPI.defaultMode };
  if (secret === undefined) return undefined;
  const { secretName = "", ...rest } = secret;
  return { sources: [{ secret: { ...rest, name: secretName } }], mode: secret.defaultMode };
}

async function filesFrom(
  { configMap, secret, downwardAPI, serviceAccountToken }: FileSource,
  mode: number,
  volume: Volume,
  from: VolumeSources,
): Promise<MadeFiles> {
  if (configMap !== undefined) return { files: await dataFiles("configmap", configMap, mode, volume, from) };
  if (secret !== undefined) return { files: await dataFiles("secret", secret, mode, volume, from) };
  if (downwardAPI !== undefined) {
    const entries = (downwardAPI.items ?? []).map((item): [string, VolumeFile] => [
      item.path,
      { content: Buffer.from(downwardText(item, volume, from)), mode: item.mode ?? mode },
    ]);
    return { files: new Map(entries) };
  }
  if (serviceAccountToken === undefined)
    throw new VolumeError(
      volume.name,
      "a projected source is none of configMap, secret, downwardAPI and serviceAccountToken, which is all that the embedded cluster projects",
    );
  const { path, audience, expirationSeconds = defaultTokenSeconds } = serviceAccountToken;
  const { text, renewAt } = await from.token(audience, expirationSeconds).catch((error: unknown) => {
    const cause = error instanceof Error ? error.message : String(error);
    throw new VolumeError(volume.name, `failed to fetch token: ${cause}`, { cause: error });
  });
  return { files: new Map([[path, { content: Buffer.from(text), mode }]]), renewAt };
}

async function dataFiles(
  kind: "configmap" | "secret",
  source: { readonly name?: string; readonly items?: readonly KeyToPath[]; readonly optional?: boolean },
  mode: number,
  volume: Volume,
  from: VolumeSources,
): Promise<VolumeFiles> {
  const { name = "", items, optional = false } = source;
  const data = await from.data(kind, name);
  if (data === undefined) {
    if (optional) return new Map();
    throw new VolumeError(volume.name, `${kind} "${name}" not found`);
  }
  if (items === undefined || items.length === 0)
    return new Map([...data].map(([key, content]) => [key, { content, mode }]));
  const files = new Map<string, VolumeFile>();
  for (const { key, path, mode: own } of items) {
    const content = data.get(key);
    if (content !== undefined) files.set(path, { content, mode: own ?? mode });
    else if (!optional)
      throw new VolumeError(
        volume.name,
        `references non-existent ${kind === "secret" ? "secret" : "config"} key: ${key}`,
      );
  }
  return files;
}

function downwardText(
  { path, fieldRef, resourceFieldRef }: DownwardItem,
  volume: Volume,
  { pod, podIp, hostIp }: VolumeSources,
): string {
  const text =
    fieldRef !== undefined
      ? podField(fieldRef.fieldPath, { pod, podIp, hostIp })
      : resourceFieldRef && resourceField(pod, resourceFieldRef.containerName ?? "", resourceFieldRef);
  if (text === undefined)
    throw new VolumeError(
      volume.name,
      `the file ${path} asks for ${fieldRef?.fieldPath ?? resourceFieldRef?.resource}, which is not known`,
    );
  return text;
}

/** Whether files of the volume say something of the pod itself. */
export function isMadeOfPod(volume: Volume): boolean {
  return (sourcesIn(volume)?.sources ?? []).some(({ downwardAPI }) => downwardAPI !== undefined);
}
