import {
  expressionProblems,
  labelValueProblems,
  qualifiedNameProblems,
  subdomainProblems,
} from "../../api/label-rules.ts";
import { type Fields, fieldsOf, isFields, listOf, textOf } from "./json.ts";
import { type FieldError, fieldError } from "./refusal.ts";

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";

const searchLabel = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const searchDomainPattern = `${searchLabel}(\\.${searchLabel})*`;

const patterns = {
  label: new RegExp(`^${label}$`),
  searchDomain: new RegExp(`^${searchDomainPattern}$`),
  serviceName: /^[a-z]([-a-z0-9]*[a-z0-9])?$/,
};

const labelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an " +
  `alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${label}')`;
const serviceNameText =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and " +
  "end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/** What is wrong with a name; empty when nothing is. */
export type NameRule = (name: string) => readonly string[];

export const subdomainName: NameRule = subdomainProblems;

export const labelName: NameRule = (name) => {
  if (name.includes(".")) return ["must not contain dots"];
  if (name.length > 63) return ["must be no more than 63 characters"];
  return patterns.label.test(name) ? [] : [labelText];
};

/** A domain in which names are looked up; underscores are usual in the names of services. */
export const searchDomain: NameRule = (name) =>
  name.length > 253
    ? ["must be no more than 253 characters"]
    : patterns.searchDomain.test(name)
      ? []
      : [
          "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must " +
            `start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${searchDomainPattern}')`,
        ];

export const serviceName: NameRule = (name) =>
  name.length > 63
    ? ["must be no more than 63 characters"]
    : patterns.serviceName.test(name)
      ? []
      : [serviceNameText];

/** What is wrong with the name of a port. */
export const portNameProblems: NameRule = (name) => [
  ...(name.length > 15 ? ["must be no more than 15 characters"] : []),
  ...(/^[-a-z0-9]+$/.test(name)
    ? []
    : ["must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"]),
  ...(/[a-z]/.test(name) ? [] : ["must contain at least one letter (a-z)"]),
  ...(name.includes("--") ? ["must not contain consecutive hyphens"] : []),
  ...(name.startsWith("-") || name.endsWith("-") ? ["must not begin or end with a hyphen"] : []),
];

/** What is wrong with the name of a header. */
export const headerNameProblems: NameRule = (name) =>
  /^[-A-Za-z0-9]+$/.test(name)
    ? []
    : [
        "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for " +
          "validation is '[-A-Za-z0-9]+')",
      ];

/** What is wrong with a key of a ConfigMap or Secret. */
export const configKeyProblems: NameRule = (key) => [
  ...(key.length > 253 ? ["must be no more than 253 characters"] : []),
  ...(/^[-._a-zA-Z0-9]+$/.test(key)
    ? []
    : [
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  " +
          "or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
      ]),
  ...(key === "." || key === ".."
    ? [`must not be '${key}'`]
    : key.startsWith("..")
      ? ["must not start with '..'"]
      : []),
];

export function labelErrors(labels: unknown, field: string): FieldError[] {
  return Object.entries(fieldsOf(labels)).flatMap(([key, value]) => {
    const problems = qualifiedNameProblems(key).map((text) => fieldError.invalid(field, key, text));
    const text = textOf(value);
    problems.push(...labelValueProblems(text).map((problem) => fieldError.invalid(field, text, problem)));
    return problems;
  });
}

const annotationBytes = 256 * 1024;

/** What is wrong with an object's metadata. */
export function metadataErrors(metadata: Fields, nameRule: NameRule): FieldError[] {
  const errors: FieldError[] = [];
  const name = textOf(metadata.name);
  if (name === "") errors.push(fieldError.required("metadata.name", "name or generateName is required"));
  else errors.push(...nameRule(name).map((text) => fieldError.invalid("metadata.name", name, text)));
  errors.push(...labelErrors(metadata.labels, "metadata.labels"));
  errors.push(...annotationErrors(metadata.annotations, "metadata.annotations"));
  errors.push(...ownerErrors(listOf(metadata.ownerReferences)));
  for (const finalizer of listOf(metadata.finalizers)) {
    errors.push(
      ...qualifiedNameProblems(textOf(finalizer)).map((text) =>
        fieldError.invalid("metadata.finalizers", finalizer, text),
      ),
    );
  }
  return errors;
}

/** Errors of annotations at `field`. */
export function annotationErrors(annotations: unknown, field: string): FieldError[] {
  if (!isFields(annotations)) return [];
  let bytes = 0;
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(annotations)) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(textOf(value));
    errors.push(
      ...qualifiedNameProblems(key.toLowerCase()).map((text) => fieldError.invalid(field, key, text)),
    );
  }
  if (bytes > annotationBytes) errors.push(fieldError.tooLong(field, annotationBytes));
  return errors;
}

function ownerErrors(owners: readonly unknown[]): FieldError[] {
  const errors = owners.flatMap((owner, index) =>
    ["apiVersion", "kind", "name", "uid"]
      .filter((field) => textOf(fieldsOf(owner)[field]) === "")
      .map((field) =>
        fieldError.invalid(`metadata.ownerReferences[${index}].${field}`, "", `${field} must not be empty`),
      ),
  );
  const controllers = owners.map(fieldsOf).filter((owner) => owner.controller === true);
  if (controllers.length > 1) {
    errors.push(
      fieldError.invalid(
        "metadata.ownerReferences",
        owners,
        'Only one reference can have Controller set to true. Found "true" in references for ' +
          controllers.map((owner) => `${textOf(owner.kind)}/${textOf(owner.name)}`).join(" and "),
      ),
    );
  }
  return errors;
}

/** Errors of a `metav1.LabelSelector`. */
export function labelSelectorErrors(selector: unknown, field: string): FieldError[] {
  const { matchLabels, matchExpressions } = fieldsOf(selector);
  const expressions = listOf(matchExpressions).map((expression) => {
    const { key, operator, values } = fieldsOf(expression);
    return { key: textOf(key), operator: textOf(operator), values: listOf(values).map(textOf) };
  });
  return [
    ...labelErrors(matchLabels, `${field}.matchLabels`),
    ...expressionProblems(expressions, field).map(({ at, is, value, why }) =>
      is === "invalid" ? fieldError.invalid(at, value, why) : fieldError[is](at, why),
    ),
  ];
}
