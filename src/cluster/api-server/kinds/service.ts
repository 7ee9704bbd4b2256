import { equalJson } from "../../../api/equal-json.ts";
import { type Fields, fieldsIn, fieldsOf, listOf, textOf, withFields } from "../json.ts";
import { labelErrors, labelName, serviceName } from "../names.ts";
import { type FieldError, fieldError, internalError, invalid } from "../refusal.ts";
import type { ServiceAddresses } from "../service-addresses.ts";
import { cidrErrors, ipErrors, oneOf, portErrors, portNumberErrors, repetitions } from "./field-checks.ts";
import { plainRules, selectablePaths } from "./plain.ts";
import type { ApiObject, Rules, WriteContext } from "./rules.ts";
import { serviceStatusErrors } from "./status-errors.ts";

export const serviceRules: Rules = {
  ...plainRules,
  deletionAnswer: "object",
  createsOnUpdate: true,
  nameRule: serviceName,
  selectable: { own: true, paths: selectablePaths("spec.clusterIP", "spec.type") },
  withDefaults: (service) => ({ ...service, spec: withSpecDefaults(fieldsOf(service.spec)) }),
  beforeCreate: (service, context) => ({
    ...service,
    spec: withAllocations(service, {}, context),
    status: { loadBalancer: {} },
  }),
  beforeUpdate: (service, old, context) => {
    const before = fieldsOf(old.spec);
    const kept = { ...service, spec: withOldAllocations(fieldsOf(service.spec), before) };
    const isPublished = fieldsOf(service.spec).type === "LoadBalancer";
    return {
      ...kept,
      spec: withAllocations(kept, before, context),
      ...(isPublished ? {} : { status: { ...fieldsOf(service.status), loadBalancer: {} } }),
    };
  },
  validateStatus: serviceStatusErrors,
  validate: (service, old) => [
    ...serviceErrors(fieldsOf(service.spec)),
    ...(old === undefined ? [] : changeErrors(fieldsOf(service.spec), fieldsOf(old.spec))),
  ],
};

function withSpecDefaults({ sessionAffinityConfig, ...spec }: Fields): Fields {
  const type = spec.type ?? "ClusterIP";
  const ports = fieldsIn(spec.ports).map((port) => ({
    ...port,
    protocol: port.protocol ?? "TCP",
    targetPort: isNoTarget(port.targetPort) ? port.port : port.targetPort,
  }));
  const affinity = spec.sessionAffinity ?? "None";
  return {
    ...spec,
    type,
    ...(spec.ports === undefined ? {} : { ports }),
    sessionAffinity: affinity,
    ...(affinity === "ClientIP"
      ? {
          sessionAffinityConfig: {
            clientIP: { timeoutSeconds: 10800 },
            ...fieldsOf(sessionAffinityConfig),
          },
        }
      : {}),
    ...(isExternal(type) ? { externalTrafficPolicy: spec.externalTrafficPolicy ?? "Cluster" } : {}),
    ...(type === "LoadBalancer"
      ? { allocateLoadBalancerNodePorts: spec.allocateLoadBalancerNodePorts ?? true }
      : {}),
    ...(type === "ExternalName" ? {} : { internalTrafficPolicy: spec.internalTrafficPolicy ?? "Cluster" }),
  };
}

function isNoTarget(targetPort: unknown): boolean {
  return targetPort === undefined || targetPort === 0 || targetPort === "";
}

function isExternal(type: unknown): boolean {
  return type === "NodePort" || type === "LoadBalancer";
}

// What an update leaves out it means to keep; what belongs to the old type goes with it.
function withOldAllocations(spec: Fields, old: Fields): Fields {
  const wasExternalName = old.type === "ExternalName";
  let kept = spec;
  if (spec.type !== "ExternalName" && !wasExternalName) {
    if (textOf(spec.clusterIP) === "" && listOf(spec.clusterIPs).length === 0) {
      kept = withFields(kept, { clusterIP: old.clusterIP, clusterIPs: old.clusterIPs });
    } else if (spec.clusterIP !== old.clusterIP && equalJson(spec.clusterIPs, old.clusterIPs)) {
      // Whoever changes the one that came first means both.
      kept = withFields(kept, { clusterIPs: [spec.clusterIP] });
    }
    kept = withFields(kept, {
      ipFamilies: kept.ipFamilies ?? old.ipFamilies,
      ipFamilyPolicy: kept.ipFamilyPolicy ?? old.ipFamilyPolicy,
    });
  }
  if (isExternal(spec.type) && isExternal(old.type)) {
    const placeOf = ({ port, protocol }: Fields): string => `${String(port)}/${String(protocol)}`;
    // The first of a place counts.
    const before = new Map(
      fieldsIn(old.ports)
        .toReversed()
        .map((port) => [placeOf(port), port]),
    );
    const ports = fieldsIn(kept.ports).map((port) => {
      if (port.nodePort !== undefined) return port;
      return withFields(port, { nodePort: before.get(placeOf(port))?.nodePort });
    });
    kept = { ...kept, ports };
  }
  return withoutForeignFields(kept, old);
}

function withoutForeignFields(spec: Fields, old: Fields): Fields {
  const gone: Record<string, undefined> = {};
  if (spec.type === "ExternalName" && old.type !== "ExternalName") {
    for (const field of [
      "clusterIP",
      "clusterIPs",
      "ipFamilies",
      "ipFamilyPolicy",
      "internalTrafficPolicy",
    ]) {
      gone[field] = undefined;
    }
  }
  if (!isExternal(spec.type)) {
    for (const field of ["externalTrafficPolicy", "healthCheckNodePort"]) gone[field] = undefined;
  }
  if (spec.type !== "LoadBalancer") {
    for (const field of ["allocateLoadBalancerNodePorts", "loadBalancerClass"]) gone[field] = undefined;
  }
  const dropsNodePorts = isExternal(old.type) && !isExternal(spec.type);
  const ports = dropsNodePorts
    ? { ports: fieldsIn(spec.ports).map((port) => withFields(port, { nodePort: undefined })) }
    : {};
  return withFields(spec, { ...gone, ...ports });
}

function withAllocations(service: ApiObject, old: Fields, { serviceAddresses }: WriteContext): Fields {
  const spec = fieldsOf(service.spec);
  if (spec.type === "ExternalName") return spec;
  const isHeadless = spec.clusterIP === "None" || listOf(spec.clusterIPs)[0] === "None";
  const hasSelector = Object.keys(fieldsOf(spec.selector)).length > 0;
  const families =
    isHeadless && !hasSelector
      ? { ipFamilies: ["IPv4", "IPv6"], ipFamilyPolicy: "RequireDualStack" }
      : { ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" };
  const clusterIP = isHeadless ? "None" : clusterIpFor(service, spec, old, serviceAddresses);
  return {
    ...families,
    ...spec,
    clusterIP,
    clusterIPs: spec.clusterIPs ?? [clusterIP],
    ...(needsNodePorts(spec) ? { ports: withNodePorts(service, spec, old, serviceAddresses) } : {}),
    ...healthCheckPort(spec, serviceAddresses),
  };
}

function needsNodePorts(spec: Fields): boolean {
  return (
    spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false)
  );
}

function clusterIpFor(service: ApiObject, spec: Fields, old: Fields, taken: ServiceAddresses): string {
  const asked = textOf(spec.clusterIP) || textOf(listOf(spec.clusterIPs)[0]);
  if (asked === "") {
    const free = taken.freeClusterIp();
    if (free === undefined) throw internalError("failed to allocate a serviceIP: range is full");
    return free;
  }
  // A change of an address is for validation to refuse.
  if (asked === old.clusterIP || textOf(old.clusterIP) !== "") return asked;
  const refuse = (why: string): never => {
    const error = fieldError.invalid("spec.clusterIPs", [asked], `failed to allocate IP ${asked}: ${why}`);
    throw invalid({ group: "", kind: "Service" }, service.metadata.name, [error]);
  };
  if (!taken.isClusterIp(asked)) refuse("the provided network does not match the current range");
  if (taken.isClusterIpTaken(asked)) refuse("provided IP is already allocated");
  return asked;
}

function withNodePorts(service: ApiObject, spec: Fields, old: Fields, taken: ServiceAddresses): Fields[] {
  const own = new Set(fieldsIn(old.ports).map(({ nodePort }) => nodePort));
  const given = new Set(fieldsIn(spec.ports).map(({ nodePort }) => Number(nodePort)));
  return fieldsIn(spec.ports).map((port, index) => {
    const refuse = (why: string): never => {
      const error = fieldError.invalid(`spec.ports[${index}].nodePort`, port.nodePort, why);
      throw invalid({ group: "", kind: "Service" }, service.metadata.name, [error]);
    };
    if (typeof port.nodePort !== "number") {
      const nodePort = taken.freeNodePort(given) ?? refuse("no node port is free");
      given.add(nodePort);
      return { ...port, nodePort };
    }
    if (!taken.isNodePort(port.nodePort)) {
      refuse("provided port is not in the valid range. The range of valid ports is 30000-32767");
    }
    if (taken.isNodePortTaken(port.nodePort) && !own.has(port.nodePort))
      refuse("provided port is already allocated");
    return port;
  });
}

function healthCheckPort(spec: Fields, taken: ServiceAddresses): Fields {
  const needed = spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";
  if (!needed || typeof spec.healthCheckNodePort === "number") return {};
  const besides = new Set(fieldsIn(spec.ports).map(({ nodePort }) => Number(nodePort)));
  return { healthCheckNodePort: taken.freeNodePort(besides) };
}

function serviceErrors(spec: Fields): FieldError[] {
  const ports = fieldsIn(spec.ports);
  const needsPorts = spec.type !== "ExternalName" && spec.clusterIP !== "None";
  return [
    ...(needsPorts && ports.length === 0 ? [fieldError.required("spec.ports")] : []),
    ...portListErrors(ports),
    ...labelErrors(spec.selector, "spec.selector"),
    ...oneOf(spec.sessionAffinity, ["ClientIP", "None"], "spec.sessionAffinity"),
    ...oneOf(spec.type, ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"], "spec.type"),
    ...(spec.type === "ExternalName" && textOf(spec.externalName) === ""
      ? [fieldError.required("spec.externalName")]
      : []),
    ...listOf(spec.externalIPs).flatMap((ip, index) => ipErrors(ip, `spec.externalIPs[${index}]`)),
    ...sourceRangeErrors(spec),
    ...oneOf(spec.externalTrafficPolicy, ["Cluster", "Local"], "spec.externalTrafficPolicy"),
    ...oneOf(spec.internalTrafficPolicy, ["Cluster", "Local"], "spec.internalTrafficPolicy"),
  ];
}

function sourceRangeErrors({ type, loadBalancerSourceRanges }: Fields): FieldError[] {
  const field = "spec.LoadBalancerSourceRanges";
  const ranges = listOf(loadBalancerSourceRanges);
  if (ranges.length === 0) return [];
  return [
    ...(type === "LoadBalancer"
      ? []
      : [fieldError.forbidden(field, "may only be used when `type` is 'LoadBalancer'")]),
    ...ranges.flatMap((range, index) => cidrErrors(range, `${field}[${index}]`)),
  ];
}

function portListErrors(ports: readonly Fields[]): FieldError[] {
  const isNameRepeated = repetitions(ports.map(({ name }) => textOf(name)));
  const isRepeated = repetitions(ports.map(({ port, protocol }) => `${String(port)}/${String(protocol)}`));
  const isNodePortRepeated = repetitions(
    ports.map(({ nodePort, protocol }) => `${String(nodePort)}/${String(protocol)}`),
  );
  return ports.flatMap((port, index) => {
    const path = `spec.ports[${index}]`;
    const name = textOf(port.name);
    return [
      ...(name === "" && ports.length > 1 ? [fieldError.required(`${path}.name`)] : []),
      ...(name === "" ? [] : labelName(name).map((text) => fieldError.invalid(`${path}.name`, name, text))),
      ...(name !== "" && isNameRepeated[index] ? [fieldError.duplicate(`${path}.name`, name)] : []),
      ...portNumberErrors(port.port, `${path}.port`),
      ...oneOf(port.protocol, ["SCTP", "TCP", "UDP"], `${path}.protocol`),
      ...portErrors(port.targetPort ?? port.port, `${path}.targetPort`),
      ...(isRepeated[index]
        ? [fieldError.duplicate(path, { protocol: port.protocol, port: port.port })]
        : []),
      ...(typeof port.nodePort === "number" && isNodePortRepeated[index]
        ? [fieldError.duplicate(`${path}.nodePort`, port.nodePort)]
        : []),
    ];
  });
}

function changeErrors(spec: Fields, old: Fields): FieldError[] {
  const before = listOf(old.clusterIPs);
  const now = listOf(spec.clusterIPs);
  if (old.type === "ExternalName" || spec.type === "ExternalName" || before.length === 0) return [];
  return equalJson(now, before)
    ? []
    : [fieldError.invalid("spec.clusterIPs[0]", now, "may not change once set")];
}
