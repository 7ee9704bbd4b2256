import { isIP } from "node:net";
import { type Fields, fieldsIn, fieldsOf, textOf } from "../json.ts";
import { serviceName, subdomainName } from "../names.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import { oneOf, portErrors } from "./field-checks.ts";
import { plainRules } from "./plain.ts";
import type { Rules } from "./rules.ts";

/** Nothing serves Ingresses here, as on any cluster without a controller for them. */
export const ingressRules: Rules = {
  ...plainRules,
  hasGeneration: true,
  beforeCreate: (ingress) => ({ ...ingress, status: { loadBalancer: {} } }),
  validate: ({ spec }) => specErrors(fieldsOf(spec)),
};

export const ingressClassRules: Rules = {
  ...plainRules,
  hasGeneration: true,
  validate: (ingressClass, old) => {
    const { controller } = fieldsOf(ingressClass.spec);
    const text = textOf(controller);
    if (old !== undefined && fieldsOf(old.spec).controller !== controller)
      return [fieldError.invalid("spec.controller", controller, "field is immutable")];
    if (text === "") return [fieldError.required("spec.controller")];
    const isPath = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/.+$/.test(text);
    return isPath
      ? []
      : [
          fieldError.invalid(
            "spec.controller",
            text,
            'must be a domain-prefixed path (such as "acme.io/foo")',
          ),
        ];
  },
};

function specErrors(spec: Fields): FieldError[] {
  const rules = fieldsIn(spec.rules);
  if (rules.length === 0 && spec.defaultBackend === undefined)
    return [fieldError.invalid("spec", null, "either `defaultBackend` or `rules` must be specified")];
  return [
    ...rules.flatMap((rule, index) => ruleErrors(rule, `spec.rules[${index}]`)),
    ...(spec.defaultBackend === undefined
      ? []
      : backendErrors(fieldsOf(spec.defaultBackend), "spec.defaultBackend")),
  ];
}

function ruleErrors({ host, http }: Fields, path: string): FieldError[] {
  const errors = hostErrors(textOf(host), `${path}.host`);
  if (http === undefined) return errors;
  const paths = fieldsIn(fieldsOf(http).paths);
  if (paths.length === 0) return [...errors, fieldError.required(`${path}.http.paths`)];
  return [...errors, ...paths.flatMap((one, index) => pathErrors(one, `${path}.http.paths[${index}]`))];
}

function hostErrors(host: string, field: string): FieldError[] {
  if (host === "") return [];
  if (isIP(host) !== 0) return [fieldError.invalid(field, host, "must be a DNS name, not an IP address")];
  return subdomainName(host.replace(/^\*\./, "")).map((text) => fieldError.invalid(field, host, text));
}

const pathTypes = ["Exact", "ImplementationSpecific", "Prefix"];

function pathErrors({ path, pathType, backend }: Fields, at: string): FieldError[] {
  if (pathType === undefined) return [fieldError.required(`${at}.pathType`, "pathType must be specified")];
  const text = textOf(path);
  const isAbsolute = text.startsWith("/") || (text === "" && pathType === "ImplementationSpecific");
  return [
    ...(pathTypes.includes(textOf(pathType)) && !isAbsolute
      ? [fieldError.invalid(`${at}.path`, text, "must be an absolute path")]
      : []),
    ...oneOf(pathType, pathTypes, `${at}.pathType`),
    ...backendErrors(fieldsOf(backend), `${at}.backend`),
  ];
}

function backendErrors(backend: Fields, at: string): FieldError[] {
  const { service, resource } = backend;
  if (service === undefined && resource === undefined)
    return [fieldError.invalid(at, "", "resource or service backend is required")];
  if (service !== undefined && resource !== undefined)
    return [fieldError.invalid(at, "", "cannot set both resource and service backends")];
  if (service === undefined) return [];
  const { name, port } = fieldsOf(service);
  const { name: portName, number } = fieldsOf(port);
  return [
    ...(textOf(name) === ""
      ? [fieldError.required(`${at}.service.name`)]
      : serviceName(textOf(name)).map((text) => fieldError.invalid(`${at}.service.name`, name, text))),
    ...(portName === undefined && number === undefined
      ? [fieldError.required(`${at}.service`, "port name or number is required")]
      : portName === undefined
        ? portErrors(number, `${at}.service.port.number`)
        : portErrors(portName, `${at}.service.port.name`)),
  ];
}
