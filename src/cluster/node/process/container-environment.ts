import { delimiter, dirname } from "node:path";
import type { Container, EnvVar, KubernetesObject, Pod } from "../../../api/core.ts";
import { type Resource, resources } from "../../../api/resources.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { ApiError } from "../../../kubernetes/errors.ts";
import { ownValue } from "../../api-server/json.ts";
import { ContainerError, type PodNetwork } from "../pod-driver.ts";
import { podField, resourceField } from "../pod-fields.ts";
import { type ContainerMark, markVariables } from "./container-mark.ts";
import type { Expansion } from "./expand-variables.ts";

export interface EnvironmentSources {
  readonly client: KubernetesClient;
  readonly pod: Pod;
  readonly container: Container;
  readonly network: PodNetwork;
  readonly hostIp: string;
  readonly mark: ContainerMark;
  /** What leads to Services. */
  readonly serviceVariables: Readonly<Record<string, string>>;
  readonly imageEnvironment: Readonly<Record<string, string>>;
  /** What every container gets. */
  readonly base: Readonly<Record<string, string>>;
  readonly expansion: Expansion;
}

interface DataObject extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
}

type Variables = Record<string, string>;

const longestHostname = 63;

/** A container's environment. Throws `ContainerError` with `CreateContainerConfigError` when the manifest names what is not there. */
export async function containerEnvironment(sources: EnvironmentSources): Promise<Variables> {
  const { container, network, pod } = sources;
  const [port] = container.ports ?? [];
  // Without what objects inherit: `__proto__` is a name like any other.
  const variables: Variables = Object.assign(Object.create(null) as Variables, {
    ...sources.base,
    ...sources.serviceVariables,
    HOSTNAME: (pod.spec.hostname ?? pod.metadata.name).slice(0, longestHostname),
    HOST: network.podIp,
    ...(port === undefined
      ? {}
      : { PORT: String(network.portMap?.[port.containerPort] ?? port.containerPort) }),
    ...sources.imageEnvironment,
  });
  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    const data =
      configMapRef !== undefined
        ? await dataOf(sources, resources.configMaps, configMapRef)
        : secretRef !== undefined
          ? await dataOf(sources, resources.secrets, secretRef)
          : undefined;
    for (const [name, value] of Object.entries(data ?? {})) variables[`${prefix}${name}`] = value;
  }
  for (const variable of container.env ?? []) {
    const value = await valueOf(variable, sources, variables);
    if (value !== undefined) variables[variable.name] = value;
  }
  return { ...variables, ...markVariables(sources.mark) };
}

/** Little of the user's own environment: enough to find programs and to show texts. */
export function baseEnvironment(home: string): Record<string, string> {
  const { PATH = "/usr/local/bin:/usr/bin:/bin", LANG, TZ } = process.env;
  return {
    PATH: [dirname(process.execPath), PATH].join(delimiter),
    HOME: home,
    TMPDIR: home,
    ...(LANG === undefined ? {} : { LANG }),
    ...(TZ === undefined ? {} : { TZ }),
  };
}

async function valueOf(
  { value, valueFrom, name }: EnvVar,
  sources: EnvironmentSources,
  soFar: Readonly<Variables>,
): Promise<string | undefined> {
  if (valueFrom === undefined) return sources.expansion.expand(value ?? "", soFar);
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef !== undefined) {
    const { pod, network, hostIp } = sources;
    const text = podField(fieldRef.fieldPath, { pod, podIp: network.podIp, hostIp });
    if (text === undefined) throw configError(`fieldPath "${fieldRef.fieldPath}" is not known`);
    return text;
  }
  if (resourceFieldRef !== undefined) {
    const { containerName = sources.container.name, resource } = resourceFieldRef;
    const text = resourceField(sources.pod, containerName, resourceFieldRef);
    if (text === undefined)
      throw configError(`env ${name}: no ${resource} of container ${containerName} is known`);
    return text;
  }
  if (configMapKeyRef !== undefined) return keyOf(sources, resources.configMaps, configMapKeyRef);
  if (secretKeyRef !== undefined) return keyOf(sources, resources.secrets, secretKeyRef);
  throw configError(`env ${name}: this kind of valueFrom is not known on the embedded cluster`);
}

async function keyOf(
  sources: EnvironmentSources,
  resource: Resource,
  reference: { readonly name: string; readonly key: string; readonly optional?: boolean },
): Promise<string | undefined> {
  const data = await dataOf(sources, resource, reference);
  const value = data && ownValue(data, reference.key);
  if (value === undefined && data !== undefined && reference.optional !== true) {
    const { namespace } = sources.pod.metadata;
    throw configError(
      `couldn't find key ${reference.key} in ${resource.kind} ${namespace}/${reference.name}`,
    );
  }
  return value;
}

/** The texts of a ConfigMap or Secret; undefined for an optional one that is not there. */
async function dataOf(
  { client, pod }: EnvironmentSources,
  resource: Resource,
  { name, optional }: { readonly name: string; readonly optional?: boolean },
): Promise<Readonly<Variables> | undefined> {
  try {
    const { data = {} } = await client.get<DataObject>(resource, pod.metadata.namespace, name);
    if (resource.kind !== "Secret") return data;
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]),
    );
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.kind === "notFound" && optional === true) return undefined;
    const message =
      error.kind === "notFound" ? `${resource.kind.toLowerCase()} "${name}" not found` : error.message;
    throw configError(message, error);
  }
}

function configError(message: string, cause?: Error): ContainerError {
  return new ContainerError("CreateContainerConfigError", message, { cause });
}
