import type { Condition, KubernetesObject } from "../../../../api/core.ts";
import { ageOf } from "./age.ts";
import { orNone, printerOf } from "./cells.ts";

interface PrintedNode extends KubernetesObject {
  readonly spec?: { readonly unschedulable?: boolean };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    readonly nodeInfo?: {
      readonly kubeletVersion?: string;
      readonly osImage?: string;
      readonly kernelVersion?: string;
      readonly containerRuntimeVersion?: string;
    };
  };
}

export const printNode = printerOf<PrintedNode>((node, now) => {
  const info = node.status?.nodeInfo ?? {};
  return [
    node.metadata.name,
    statusText(node),
    rolesText(node),
    ageOf(node.metadata.creationTimestamp, now),
    info.kubeletVersion ?? "",
    addressText(node, "InternalIP"),
    addressText(node, "ExternalIP"),
    orUnknown(info.osImage),
    orUnknown(info.kernelVersion),
    orUnknown(info.containerRuntimeVersion),
  ];
});

function statusText({ spec, status }: PrintedNode): string {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  const text = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
  return spec?.unschedulable ? `${text},SchedulingDisabled` : text;
}

function rolesText({ metadata }: PrintedNode): string {
  const prefix = "node-role.kubernetes.io/";
  const roles = Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(prefix)) return key.slice(prefix.length) || [];
    return key === "kubernetes.io/role" && value !== "" ? value : [];
  });
  return orNone([...new Set(roles)].sort().join(","));
}

function addressText({ status }: PrintedNode, type: string): string {
  return orNone(status?.addresses?.find((each) => each.type === type)?.address);
}

function orUnknown(text: string | undefined): string {
  return text === undefined || text === "" ? "<unknown>" : text;
}
