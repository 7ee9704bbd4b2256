import { availableParallelism, totalmem } from "node:os";
import type { Pod } from "../../api/core.ts";
import { quantityValue } from "../../api/quantity.ts";
import type { ResourceFieldRef } from "../../api/volumes.ts";
import { ownValue } from "../api-server/json.ts";

export interface PodFieldSources {
  readonly pod: Pod;
  readonly podIp: string;
  readonly hostIp: string;
}

/** The value of a `fieldRef`; undefined for a path that Kubernetes does not know. */
export function podField(path: string, { pod, podIp, hostIp }: PodFieldSources): string | undefined {
  const { metadata, spec } = pod;
  const entry = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (entry !== null) {
    const entries = entry[1] === "labels" ? metadata.labels : metadata.annotations;
    return ownValue(entries ?? {}, entry[2] ?? "") ?? "";
  }
  const fields: Readonly<Record<string, string>> = {
    "metadata.name": metadata.name,
    "metadata.namespace": metadata.namespace ?? "",
    "metadata.uid": metadata.uid ?? "",
    "metadata.labels": entriesText(metadata.labels),
    "metadata.annotations": entriesText(metadata.annotations),
    "spec.nodeName": spec.nodeName ?? "",
    "spec.serviceAccountName": spec.serviceAccountName ?? "default",
    "status.podIP": podIp,
    "status.podIPs": podIp,
    "status.hostIP": hostIp,
    "status.hostIPs": hostIp,
  };
  return ownValue(fields, path);
}

/** One `name="value"` a line, sorted, with the value quoted as Kubernetes does. */
function entriesText(entries: Readonly<Record<string, string>> = {}): string {
  return Object.keys(entries)
    .toSorted()
    .map((name) => `${name}=${quoted(entries[name] ?? "")}`)
    .join("\n");
}

// JSON writes a quotation mark, a backslash and a line break as Go does; control characters differ, which nobody puts there.
function quoted(text: string): string {
  return JSON.stringify(text);
}

/**
 * The value of a `resourceFieldRef`, in whole units of its divisor, rounded up. A limit that is not set is what the machine
 * has, a request that is not set is 0. Undefined for a container or resource that is not there.
 */
export function resourceField(
  pod: Pod,
  containerName: string,
  { resource, divisor = "1" }: ResourceFieldRef,
): string | undefined {
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const container = containers.find(({ name }) => name === containerName);
  const [kind, ...rest] = resource.split(".");
  const name = rest.join(".");
  if (container === undefined || (kind !== "limits" && kind !== "requests")) return undefined;
  const amount =
    container.resources?.[kind]?.[name] ?? (kind === "limits" ? machineAmounts()[name] : "0") ?? "0";
  const value = quantityValue(String(amount));
  const unit = quantityValue(divisor === "0" ? "1" : divisor);
  if (value === undefined || unit === undefined || unit <= 0n) return undefined;
  return String((value + unit - 1n) / unit);
}

function machineAmounts(): Readonly<Record<string, string>> {
  return { cpu: String(availableParallelism()), memory: String(totalmem()) };
}
