import { BlockList, isIP } from "node:net";
import { type Fields, fieldsIn, fieldsOf, listOf, textOf } from "../json.ts";
import { labelSelectorErrors } from "../names.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import { cidrErrors, oneOf, portErrors } from "./field-checks.ts";
import { plainRules } from "./plain.ts";
import type { Rules } from "./rules.ts";

/** Nothing enforces NetworkPolicies here, as on any cluster whose network does not. */
export const networkPolicyRules: Rules = {
  ...plainRules,
  hasGeneration: true,
  withDefaults: (policy) => {
    const spec = fieldsOf(policy.spec);
    const withProtocols = (rules: unknown): Fields[] =>
      fieldsIn(rules).map((rule) =>
        rule.ports === undefined
          ? rule
          : { ...rule, ports: fieldsIn(rule.ports).map((port) => ({ protocol: "TCP", ...port })) },
      );
    return {
      ...policy,
      spec: {
        ...spec,
        ...(spec.ingress === undefined ? {} : { ingress: withProtocols(spec.ingress) }),
        ...(spec.egress === undefined ? {} : { egress: withProtocols(spec.egress) }),
        policyTypes:
          listOf(spec.policyTypes).length > 0
            ? spec.policyTypes
            : ["Ingress", ...(listOf(spec.egress).length > 0 ? ["Egress"] : [])],
      },
    };
  },
  validate: ({ spec }) => {
    const { podSelector, ingress, egress, policyTypes } = fieldsOf(spec);
    return [
      ...labelSelectorErrors(podSelector, "spec.podSelector"),
      ...fieldsIn(ingress).flatMap((rule, index) => ruleErrors(rule, "from", `spec.ingress[${index}]`)),
      ...fieldsIn(egress).flatMap((rule, index) => ruleErrors(rule, "to", `spec.egress[${index}]`)),
      ...listOf(policyTypes).flatMap((type, index) =>
        oneOf(type, ["Ingress", "Egress"], `spec.policyTypes[${index}]`),
      ),
    ];
  },
};

function ruleErrors(rule: Fields, peers: "from" | "to", path: string): FieldError[] {
  return [
    ...fieldsIn(rule.ports).flatMap((port, index) => policyPortErrors(port, `${path}.ports[${index}]`)),
    ...fieldsIn(rule[peers]).flatMap((peer, index) => peerErrors(peer, `${path}.${peers}[${index}]`)),
  ];
}

function policyPortErrors({ port, protocol, endPort }: Fields, path: string): FieldError[] {
  return [
    ...oneOf(protocol, ["TCP", "UDP", "SCTP"], `${path}.protocol`),
    ...(port === undefined ? [] : portErrors(port, `${path}.port`)),
    ...(typeof endPort === "number" && typeof port === "number" && endPort < port
      ? [fieldError.invalid(`${path}.endPort`, port, "must be greater than or equal to `port`")]
      : []),
  ];
}

function peerErrors(peer: Fields, path: string): FieldError[] {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  const hasSelector = podSelector !== undefined || namespaceSelector !== undefined;
  if (!hasSelector && ipBlock === undefined) return [fieldError.required(path, "must specify a peer")];
  return [
    ...labelSelectorErrors(podSelector, `${path}.podSelector`),
    ...labelSelectorErrors(namespaceSelector, `${path}.namespaceSelector`),
    ...(ipBlock === undefined ? [] : blockErrors(fieldsOf(ipBlock), `${path}.ipBlock`)),
    ...(hasSelector && ipBlock !== undefined
      ? [fieldError.forbidden(path, "may not specify both ipBlock and another peer")]
      : []),
  ];
}

function blockErrors({ cidr, except }: Fields, path: string): FieldError[] {
  const block = blockOf(textOf(cidr));
  if (textOf(cidr) === "") return [fieldError.required(`${path}.cidr`)];
  if (block === undefined) return cidrErrors(cidr, `${path}.cidr`);
  return listOf(except).flatMap((one, index) => {
    const field = `${path}.except[${index}]`;
    const inner = blockOf(textOf(one));
    if (inner === undefined) return cidrErrors(one, field);
    const isInside =
      inner.family === block.family &&
      inner.length > block.length &&
      block.list.check(inner.address, block.family);
    return isInside ? [] : [fieldError.invalid(field, one, "must be a strict subset of `cidr`")];
  });
}

function blockOf(text: string) {
  if (cidrErrors(text, "").length > 0) return undefined;
  const [address = "", length = ""] = text.split("/");
  const family = isIP(address) === 4 ? ("ipv4" as const) : ("ipv6" as const);
  const list = new BlockList();
  list.addSubnet(address, Number(length), family);
  return { address, length: Number(length), family, list };
}
