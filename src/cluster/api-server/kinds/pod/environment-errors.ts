import { qualifiedNameProblems } from "../../../../api/label-rules.ts";
import { type Fields, fieldsIn, fieldsOf, textOf } from "../../json.ts";
import { configKeyProblems } from "../../names.ts";
import { type FieldError, fieldError } from "../../refusal.ts";
import { allRequired, ifThere, named, oneOf, subdomainErrors } from "../field-checks.ts";
import { canonicalDivisors, containerResources } from "./resource-names.ts";

const nameText =
  "a valid environment variable name must consist only of printable ASCII characters other than '='";
const printableButEquals = /^[ -<>-~]+$/;

/** Errors of a container's `env` and `envFrom`. */
export function environmentErrors(container: Fields, path: string): FieldError[] {
  return [
    ...fieldsIn(container.env).flatMap((variable, index) =>
      variableErrors(variable, `${path}.env[${index}]`),
    ),
    ...fieldsIn(container.envFrom).flatMap((source, index) =>
      envFromErrors(source, `${path}.envFrom`, `${path}.envFrom[${index}]`),
    ),
  ];
}

function variableErrors(variable: Fields, path: string): FieldError[] {
  const name = textOf(variable.name);
  return [
    ...(name === ""
      ? [fieldError.required(`${path}.name`)]
      : printableButEquals.test(name)
        ? []
        : [fieldError.invalid(`${path}.name`, name, nameText)]),
    ...(variable.valueFrom === undefined ? [] : valueFromErrors(variable, `${path}.valueFrom`)),
  ];
}

function valueFromErrors(variable: Fields, path: string): FieldError[] {
  const source = fieldsOf(variable.valueFrom);
  const sources = named(source, ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"]);
  const errors = [
    ...ifThere(source, "fieldRef", path, variableFieldErrors),
    ...ifThere(source, "resourceFieldRef", path, resourceFieldErrors),
    ...ifThere(source, "configMapKeyRef", path, keyReferenceErrors),
    ...ifThere(source, "secretKeyRef", path, keyReferenceErrors),
  ];
  const texts = [
    ...(sources.length === 0
      ? ["must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"]
      : []),
    ...(textOf(variable.value) !== "" && sources.length > 0
      ? ["may not be specified when `value` is not empty"]
      : sources.length > 1
        ? ["may not have more than one field specified at a time"]
        : []),
  ];
  return [...errors, ...texts.map((text) => fieldError.invalid(path, "", text))];
}

const variableFields = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
// Fields of a pod by which pods can be selected, too; these have a name that is known, but no use here.
const otherKnownFields = [
  "metadata.annotations",
  "metadata.labels",
  "spec.restartPolicy",
  "spec.schedulerName",
  "spec.hostNetwork",
  "status.phase",
  "status.nominatedNodeName",
];

function variableFieldErrors(reference: Fields, path: string): FieldError[] {
  return fieldReferenceErrors(reference, path, variableFields);
}

/** Errors of a reference to a field of the pod, of which `supported` may be named here. */
export function fieldReferenceErrors(
  { apiVersion, fieldPath }: Fields,
  path: string,
  supported: readonly string[],
): FieldError[] {
  const text = textOf(fieldPath);
  const field = `${path}.fieldPath`;
  if (text === "") return [fieldError.required(field)];
  const inconvertible = (why: string): FieldError[] => [
    fieldError.invalid(field, text, `error converting fieldPath: ${why}`),
  ];
  const [, parent, key] = /^(.*)\['(.*)'\]$/.exec(text) ?? [];
  if (parent !== undefined) {
    if (parent !== "metadata.labels" && parent !== "metadata.annotations")
      return inconvertible(`field label does not support subscript: ${text}`);
    const problems = qualifiedNameProblems(
      parent === "metadata.labels" ? textOf(key) : textOf(key).toLowerCase(),
    );
    return problems.map((problem) => fieldError.invalid(path, key, problem));
  }
  if (apiVersion !== undefined && apiVersion !== "v1")
    return inconvertible(`unsupported pod version: ${textOf(apiVersion)}`);
  if (!variableFields.includes(text) && !otherKnownFields.includes(text))
    return inconvertible(`field label not supported: ${text}`);
  return oneOf(text, supported, field);
}

/** Errors of a reference to what a container asks for or may use. */
export function resourceFieldErrors({ resource, divisor }: Fields, path: string): FieldError[] {
  const name = textOf(resource);
  if (name === "") return [fieldError.required(`${path}.resource`)];
  const [, kind = ""] = /^(?:limits|requests)\.(.*)$/.exec(name) ?? [];
  const isKnown = Object.hasOwn(canonicalDivisors, kind) || kind.startsWith("hugepages-");
  if (!isKnown) return oneOf(name, containerResources, `${path}.resource`);
  const allowed = canonicalDivisors[kind] ?? canonicalDivisors["memory"];
  if (divisor === undefined || divisor === "0" || allowed?.includes(textOf(divisor)) !== false) return [];
  const list = kind === "cpu" ? allowed.join(" and ") : allowed.join(", ");
  const text = `only divisor's values ${list} are supported with the ${kind} resource`;
  return [fieldError.invalid(`${path}.divisor`, name, text)];
}

function keyReferenceErrors(reference: Fields, path: string): FieldError[] {
  const key = textOf(reference.key);
  return [
    ...subdomainErrors(textOf(reference.name), `${path}.name`),
    ...(key === ""
      ? [fieldError.required(`${path}.key`)]
      : configKeyProblems(key).map((text) => fieldError.invalid(`${path}.key`, key, text))),
  ];
}

function envFromErrors(source: Fields, list: string, path: string): FieldError[] {
  const prefix = textOf(source.prefix);
  const sources = named(source, ["configMapRef", "secretRef"]);
  const badPrefix = prefix !== "" && !printableButEquals.test(prefix);
  const nameErrors = (reference: Fields, at: string): FieldError[] =>
    textOf(reference.name) === ""
      ? allRequired(reference, ["name"], at)
      : subdomainErrors(textOf(reference.name), `${at}.name`);
  return [
    ...(badPrefix ? [fieldError.invalid(`${path}.prefix`, prefix, nameText)] : []),
    ...ifThere(source, "configMapRef", path, nameErrors),
    ...ifThere(source, "secretRef", path, nameErrors),
    ...(sources.length === 0
      ? [fieldError.invalid(list, "", "must specify one of: `configMapRef` or `secretRef`")]
      : sources.length > 1
        ? [fieldError.invalid(list, "", "may not have more than one field specified at a time")]
        : []),
  ];
}
