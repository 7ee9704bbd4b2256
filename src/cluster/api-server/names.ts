import {
  expressionProblems,
  labelValueProblems,
  qualifiedNameProblems,
  subdomainProblems,
} from "../../api/label-rules.ts";
import { type Fields, fieldsOf, isFields, listOf, textOf } from "./json.ts";
import { type FieldError, fieldError } from "./refusal.ts";

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";

const patterns = {
  label: new RegExp(`^${label}$`),
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

export const serviceName: NameRule = (name) =>
  name.length > 63
    ? ["must be no more than 63 characters"]
    : patterns.serviceName.test(name)
      ? []
      : [serviceNameText];

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
  errors.push(...annotationErrors(metadata.annotations));
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

function annotationErrors(annotations: unknown): FieldError[] {
  if (!isFields(annotations)) return [];
  let bytes = 0;
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(annotations)) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(textOf(value));
    errors.push(
      ...qualifiedNameProblems(key.toLowerCase()).map((text) =>
        fieldError.invalid("metadata.annotations", key, text),
      ),
    );
  }
  if (bytes > annotationBytes) errors.push(fieldError.tooLong("metadata.annotations", annotationBytes));
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
