import { type Fields, fieldsIn, fieldsOf, listOf, textOf } from "../../json.ts";
import { labelErrors, labelName, searchDomain } from "../../names.ts";
import { type FieldError, fieldError } from "../../refusal.ts";
import {
  allRequired,
  ifThere,
  ipErrors,
  oneOf,
  optionalName,
  positiveInt32,
  subdomainErrors,
} from "../field-checks.ts";
import { containerListErrors } from "./container-errors.ts";
import { overheadErrors, resourceErrors } from "./resource-errors.ts";
import { affinityErrors, gateErrors, spreadErrors, tolerationErrors } from "./scheduling-errors.ts";
import { podSecurityErrors } from "./security-errors.ts";
import { resourceClaimErrors, volumeErrors } from "./volume-errors.ts";

/**
 * Errors of a pod's spec at `path` (`spec`, `spec.template.spec`), in the words of a Kubernetes API server 1.34
 * (`recorded/data/templates.json` has its answers).
 */
export function podSpecErrors(spec: Fields, path: string): FieldError[] {
  const grace = Number(spec.terminationGracePeriodSeconds ?? 0);
  return [
    ...volumeErrors(spec.volumes, `${path}.volumes`),
    ...resourceClaimErrors(spec.resourceClaims, `${path}.resourceClaims`),
    // A negative one counts as the shortest.
    ...containerListErrors(spec, path, Math.max(grace, 1)),
    ...oneOf(spec.restartPolicy, ["Always", "OnFailure", "Never"], `${path}.restartPolicy`),
    ...oneOf(
      spec.dnsPolicy,
      ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
      `${path}.dnsPolicy`,
    ),
    ...labelErrors(spec.nodeSelector, `${path}.nodeSelector`),
    ...hostErrors(spec, path),
    ...podSecurityErrors(spec, path),
    ...ifThere(spec, "affinity", path, affinityErrors),
    ...dnsErrors(spec, `${path}.dnsConfig`),
    ...gateErrors(spec, path),
    ...spreadErrors(spec.topologySpreadConstraints, `${path}.topologySpreadConstraints`),
    ...optionalName(spec.serviceAccountName, `${path}.serviceAccountName`),
    ...optionalName(spec.nodeName, `${path}.nodeName`),
    ...positiveInt32(spec.activeDeadlineSeconds, `${path}.activeDeadlineSeconds`),
    ...["hostname", "subdomain"].flatMap((field) => {
      const name = textOf(spec[field]);
      return name === ""
        ? []
        : labelName(name).map((text) => fieldError.invalid(`${path}.${field}`, name, text));
    }),
    ...tolerationErrors(spec.tolerations, `${path}.tolerations`),
    ...hostAliasErrors(spec.hostAliases, `${path}.hostAliases`),
    ...optionalName(spec.priorityClassName, `${path}.priorityClassName`),
    ...optionalName(spec.runtimeClassName, `${path}.runtimeClassName`),
    ...oneOf(spec.preemptionPolicy, ["PreemptLowerPriority", "Never"], `${path}.preemptionPolicy`),
    ...overheadErrors(spec.overhead, `${path}.overhead`),
    ...resourceErrors(spec.resources, fieldsIn(spec.resourceClaims), `${path}.resources`),
    ...systemErrors(spec, path),
  ];
}

function hostErrors(spec: Fields, path: string): FieldError[] {
  const contexts = [spec, ...fieldsIn(spec.containers), ...fieldsIn(spec.initContainers)];
  const isHostProcess = contexts.some(
    ({ securityContext }) => fieldsOf(fieldsOf(securityContext).windowsOptions).hostProcess === true,
  );
  const hostNetwork = spec.hostNetwork === true;
  return [
    ...(spec.hostUsers === false
      ? ["hostNetwork", "hostPID", "hostIPC"]
          .filter((field) => spec[field] === true)
          .map((field) => fieldError.forbidden(`${path}.${field}`, "when `hostUsers` is false"))
      : []),
    ...(isHostProcess && !hostNetwork
      ? [
          fieldError.invalid(
            `${path}.hostNetwork`,
            false,
            "hostNetwork must be true if pod contains any hostProcess containers",
          ),
        ]
      : []),
  ];
}

const mostServers = 3;
const mostSearches = 32;

function dnsErrors({ dnsConfig, dnsPolicy }: Fields, path: string): FieldError[] {
  if (dnsConfig === undefined)
    return dnsPolicy === "None"
      ? [fieldError.required(path, "must provide `dnsConfig` when `dnsPolicy` is None")]
      : [];
  const { nameservers, options, searches } = fieldsOf(dnsConfig);
  const servers = listOf(nameservers);
  return [
    ...(dnsPolicy === "None" && servers.length === 0
      ? [
          fieldError.required(
            `${path}.nameservers`,
            "must provide at least one DNS nameserver when `dnsPolicy` is None",
          ),
        ]
      : []),
    ...(servers.length > mostServers
      ? [
          fieldError.invalid(
            `${path}.nameservers`,
            servers,
            `must not have more than ${mostServers} nameservers`,
          ),
        ]
      : []),
    ...servers.flatMap((server, index) => ipErrors(server, `${path}.nameservers[${index}]`)),
    ...(listOf(searches).length > mostSearches
      ? [
          fieldError.invalid(
            `${path}.searches`,
            searches,
            `must not have more than ${mostSearches} search paths`,
          ),
        ]
      : []),
    ...listOf(searches).flatMap((search, index) =>
      searchErrors(textOf(search), `${path}.searches[${index}]`),
    ),
    ...fieldsIn(options).flatMap(({ name }, index) =>
      textOf(name) === "" ? [fieldError.required(`${path}.options[${index}]`, "must not be empty")] : [],
    ),
  ];
}

// The root, and names that end with it, are fine.
function searchErrors(search: string, field: string): FieldError[] {
  if (search === ".") return [];
  return searchDomain(search.replace(/\.$/, "")).map((text) => fieldError.invalid(field, search, text));
}

function hostAliasErrors(aliases: unknown, path: string): FieldError[] {
  return fieldsIn(aliases).flatMap(({ ip, hostnames }, index) => [
    ...ipErrors(ip, `${path}[${index}].ip`),
    ...listOf(hostnames).flatMap((name, number) =>
      subdomainErrors(textOf(name), `${path}[${index}].hostnames[${number}]`),
    ),
  ]);
}

const onlyOnLinux = [
  "appArmorProfile",
  "seLinuxOptions",
  "seccompProfile",
  "fsGroup",
  "fsGroupChangePolicy",
  "sysctls",
  "runAsUser",
  "runAsGroup",
  "supplementalGroups",
];

function systemErrors(spec: Fields, path: string): FieldError[] {
  if (spec.os === undefined) return [];
  const { name } = fieldsOf(spec.os);
  const context = fieldsOf(spec.securityContext);
  const at = `${path}.securityContext`;
  if (textOf(name) === "") return allRequired({ name }, ["name"], `${path}.os`);
  if (name === "linux" && context.windowsOptions !== undefined)
    return [fieldError.forbidden(`${at}.windowsOptions`, "windows options cannot be set for a linux pod")];
  if (name === "windows")
    return onlyOnLinux
      .filter((field) => context[field] !== undefined)
      .map((field) => fieldError.forbidden(`${at}.${field}`, "cannot be set for a windows pod"));
  return oneOf(name, ["linux", "windows"], `${path}.os`);
}
