import { isIP } from "node:net";
import { qualifiedNameProblems } from "../../../api/label-rules.ts";
import { type Fields, fieldsIn, fieldsOf, textOf } from "../json.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import { duplicateErrors, ipErrors, notNegative, optionalName, subdomainErrors } from "./field-checks.ts";
import type { ApiObject } from "./rules.ts";

// The server's message says more of a Deployment's `availableReplicas` than of a ReplicaSet's.
const texts = {
  total: "cannot be greater than status.replicas",
  ready: "cannot be greater than readyReplicas",
};

export function replicaSetStatusErrors({ status }: ApiObject): FieldError[] {
  const counts = fieldsOf(status);
  return [
    ...countErrors(counts, [
      "replicas",
      "fullyLabeledReplicas",
      "readyReplicas",
      "availableReplicas",
      "observedGeneration",
    ]),
    ...orderErrors(
      counts,
      ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"],
      "replicas",
      texts.total,
    ),
    ...orderErrors(counts, ["availableReplicas"], "readyReplicas", texts.ready),
  ];
}

export function deploymentStatusErrors({ status }: ApiObject): FieldError[] {
  const counts = fieldsOf(status);
  return [
    ...countErrors(counts, [
      "observedGeneration",
      "replicas",
      "updatedReplicas",
      "readyReplicas",
      "availableReplicas",
      "unavailableReplicas",
    ]),
    ...(counts.collisionCount === undefined ? [] : countErrors(counts, ["collisionCount"])),
    ...orderErrors(
      counts,
      ["updatedReplicas", "readyReplicas", "availableReplicas"],
      "replicas",
      texts.total,
    ),
    ...orderErrors(counts, ["availableReplicas"], "readyReplicas", texts.ready),
  ];
}

function countErrors(counts: Fields, names: readonly string[]): FieldError[] {
  return names.flatMap((name) => notNegative(counts[name] ?? 0, `status.${name}`));
}

function orderErrors(counts: Fields, names: readonly string[], most: string, text: string): FieldError[] {
  return names.flatMap((name) =>
    Number(counts[name] ?? 0) > Number(counts[most] ?? 0)
      ? [fieldError.invalid(`status.${name}`, counts[name] ?? 0, text)]
      : [],
  );
}

export function podStatusErrors(pod: ApiObject, old: ApiObject | undefined): FieldError[] {
  const [status, before] = [fieldsOf(pod.status), fieldsOf(old?.status)];
  return [
    ...optionalName(status.nominatedNodeName, "status.nominatedNodeName"),
    ...podIpErrors(fieldsIn(status.podIPs).map(({ ip }) => textOf(ip))),
    ...fieldsIn(status.conditions).flatMap(({ type }, index) =>
      qualifiedNameProblems(textOf(type)).map((text) =>
        fieldError.invalid(`status.conditions[${index}].Type`, textOf(type), text),
      ),
    ),
    ...(before.qosClass === undefined || status.qosClass === before.qosClass
      ? []
      : [fieldError.invalid("status.qosClass", status.qosClass, "field is immutable")]),
  ];
}

function podIpErrors(ips: readonly string[]): FieldError[] {
  const errors = ips.flatMap((ip, index) => ipErrors(ip, `status.podIPs[${index}]`));
  if (errors.length > 0) return errors;
  const families = ips.map((ip) => isIP(ip));
  const areDual = families.length < 2 || (families.length === 2 && families[0] !== families[1]);
  if (areDual) return duplicateErrors(ips, (index) => `status.podIPs[${index}]`);
  const shown = ips.map((ip) => ({ IP: ip }));
  return [fieldError.invalid("status.podIPs", shown, "may specify no more than one IP for each IP family")];
}

export function serviceStatusErrors({ spec, status }: ApiObject): FieldError[] {
  const ingress = fieldsIn(fieldsOf(fieldsOf(status).loadBalancer).ingress);
  const path = "status.loadBalancer.ingress";
  if (ingress.length > 0 && fieldsOf(spec).type !== "LoadBalancer") {
    return [fieldError.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")];
  }
  return ingress.flatMap((one, index) => ingressErrors(one, `${path}[${index}]`));
}

function ingressErrors({ ip, hostname, ipMode }: Fields, path: string): FieldError[] {
  const name = textOf(hostname);
  return [
    ...(textOf(ip) === "" ? [] : ipErrors(ip, `${path}.ip`)),
    ...(ipMode !== undefined && textOf(ip) === ""
      ? [fieldError.forbidden(`${path}.ipMode`, "may not be specified when `ip` is not set")]
      : []),
    ...(ipMode === undefined || ipMode === "VIP" || ipMode === "Proxy"
      ? []
      : [fieldError.notSupported(`${path}.ipMode`, ipMode, ["Proxy", "VIP"])]),
    ...(name === "" ? [] : subdomainErrors(name, `${path}.hostname`)),
    ...(name !== "" && isIP(name) !== 0
      ? [fieldError.invalid(`${path}.hostname`, name, "must be a DNS name, not an IP address")]
      : []),
  ];
}
