import { isIP } from "node:net";
import { type Fields, fieldsIn, fieldsOf, listOf, textOf } from "../json.ts";
import { labelName } from "../names.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import { duplicates, ipErrors, oneOf, portNumberErrors } from "./field-checks.ts";
import { plainRules, selectablePaths } from "./plain.ts";
import type { Rules } from "./rules.ts";

const nameLabel = "kubernetes.io/metadata.name";

export const namespaceRules: Rules = {
  ...plainRules,
  deletionAnswer: "object",
  nameRule: labelName,
  selectable: { own: true, paths: { name: ["metadata", "name"], "status.phase": ["status", "phase"] } },
  withDefaults: (namespace) => ({
    ...namespace,
    metadata: {
      ...namespace.metadata,
      labels: { ...namespace.metadata.labels, [nameLabel]: namespace.metadata.name },
    },
  }),
  beforeCreate: (namespace) => ({
    ...namespace,
    spec: { ...fieldsOf(namespace.spec), finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  }),
  beforeUpdate: (namespace, old) => ({ ...namespace, spec: old.spec }),
  validateStatus: ({ metadata, status }) => {
    const { phase } = fieldsOf(status);
    const wanted = metadata.deletionTimestamp === undefined ? "Active" : "Terminating";
    const when = metadata.deletionTimestamp === undefined ? "empty" : "not empty";
    const text = `may only be '${wanted}' if \`deletionTimestamp\` is ${when}`;
    return phase === wanted ? [] : [fieldError.invalid("status.Phase", phase ?? "", text)];
  },
};

export const nodeRules: Rules = {
  ...plainRules,
  selectable: { own: true, paths: selectablePaths("spec.unschedulable") },
};

export const endpointsRules: Rules = {
  ...plainRules,
  createsOnUpdate: true,
  withDefaults: ({ subsets, ...endpoints }) => ({
    ...endpoints,
    ...(subsets === undefined
      ? {}
      : {
          subsets: fieldsIn(subsets).map((subset) =>
            subset.ports === undefined
              ? subset
              : { ...subset, ports: fieldsIn(subset.ports).map((port) => ({ protocol: "TCP", ...port })) },
          ),
        }),
  }),
  validate: ({ subsets }) =>
    fieldsIn(subsets).flatMap((subset, index) => {
      const path = `subsets[${index}]`;
      const addresses = ["addresses", "notReadyAddresses"] as const;
      return addresses.every((name) => listOf(subset[name]).length === 0)
        ? [fieldError.required(path, "must specify `addresses` or `notReadyAddresses`")]
        : [
            ...addresses.flatMap((name) =>
              fieldsIn(subset[name]).flatMap(({ ip }, at) => {
                // The server looks twice: whether it is an address, and whether it is one that may be given.
                const field = `${path}.${name}[${at}].ip`;
                const errors = ipErrors(ip, field);
                return errors.length === 0
                  ? []
                  : [...errors, fieldError.invalid(field, textOf(ip), "must be a valid IP address")];
              }),
            ),
            ...fieldsIn(subset.ports).flatMap(({ port }, at) =>
              portNumberErrors(port, `${path}.ports[${at}].port`),
            ),
          ];
    }),
};

export const endpointSliceRules: Rules = {
  ...plainRules,
  hasGeneration: true,
  withDefaults: (slice) => ({
    ...slice,
    ports: Array.isArray(slice.ports)
      ? fieldsIn(slice.ports).map((port) => ({
          ...port,
          name: port.name ?? "",
          protocol: port.protocol ?? "TCP",
        }))
      : slice.ports,
  }),
  validate: (slice, old) =>
    old !== undefined && slice.addressType !== old.addressType
      ? [fieldError.invalid("addressType", slice.addressType, "field is immutable")]
      : sliceErrors(slice),
};

function sliceErrors({ addressType, endpoints, ports }: Fields): FieldError[] {
  return [
    ...(textOf(addressType) === ""
      ? [fieldError.required("addressType")]
      : oneOf(addressType, ["FQDN", "IPv4", "IPv6"], "addressType")),
    ...fieldsIn(endpoints).flatMap((endpoint, index) =>
      endpointErrors(endpoint, textOf(addressType), `endpoints[${index}]`),
    ),
    ...duplicates(fieldsIn(ports).map(({ name }) => textOf(name))).map((name) =>
      fieldError.duplicate("ports.name", name),
    ),
  ];
}

const mostAddresses = 100;

function endpointErrors(endpoint: Fields, addressType: string, path: string): FieldError[] {
  const addresses = listOf(endpoint.addresses).map(textOf);
  if (addresses.length === 0)
    return [fieldError.required(`${path}.addresses`, "must contain at least 1 address")];
  if (addresses.length > mostAddresses) {
    return [fieldError.tooMany(`${path}.addresses`, addresses.length, mostAddresses)];
  }
  const version = addressType === "IPv4" ? 4 : addressType === "IPv6" ? 6 : undefined;
  if (version === undefined) return [];
  return addresses.flatMap((address, index) =>
    isIP(address) === version
      ? []
      : [
          fieldError.invalid(
            `${path}.addresses[${index}]`,
            address,
            `must be a valid ${addressType} address`,
          ),
        ],
  );
}
