import { labelValueProblems, qualifiedNameProblems } from "../../../../api/label-rules.ts";
import { type Fields, fieldsIn, fieldsOf, listOf, textOf } from "../../json.ts";
import { labelSelectorErrors } from "../../names.ts";
import { type FieldError, fieldError } from "../../refusal.ts";
import { duplicateErrors, ifThere, oneOf } from "../field-checks.ts";

function keyErrors(key: unknown, field: string): FieldError[] {
  return qualifiedNameProblems(textOf(key)).map((text) => fieldError.invalid(field, textOf(key), text));
}

/** Errors of a pod's `tolerations`. */
export function tolerationErrors(tolerations: unknown, path: string): FieldError[] {
  return fieldsIn(tolerations).flatMap((toleration, index) => {
    const at = `${path}[${index}]`;
    const { effect, tolerationSeconds } = toleration;
    return [
      ...(textOf(toleration.key) === "" ? [] : keyErrors(toleration.key, `${at}.key`)),
      ...operatorErrors(toleration, `${at}.operator`),
      ...(tolerationSeconds !== undefined && effect !== "NoExecute"
        ? [
            fieldError.invalid(
              `${at}.effect`,
              textOf(effect),
              "effect must be 'NoExecute' when `tolerationSeconds` is set",
            ),
          ]
        : oneOf(effect, ["NoSchedule", "PreferNoSchedule", "NoExecute"], `${at}.effect`)),
    ];
  });
}

function operatorErrors({ key, operator = "Equal", value }: Fields, field: string): FieldError[] {
  const isKeyless = textOf(key) === "" && operator !== "Exists";
  const keyless = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
  const errors = isKeyless ? [fieldError.invalid(field, operator, keyless)] : [];
  if (operator === "Equal") {
    const problems = labelValueProblems(textOf(value));
    return [...errors, ...problems.map((text) => fieldError.invalid(field, value, text))];
  }
  if (operator !== "Exists") return [...errors, ...oneOf(operator, ["Equal", "Exists"], field)];
  return textOf(value) === ""
    ? errors
    : [...errors, fieldError.invalid(field, value, "value must be empty when `operator` is 'Exists'")];
}

const required = "requiredDuringSchedulingIgnoredDuringExecution";
const preferred = "preferredDuringSchedulingIgnoredDuringExecution";

/** Errors of a pod's `affinity`. */
export function affinityErrors(affinity: Fields, path: string): FieldError[] {
  return [
    ...ifThere(affinity, "nodeAffinity", path, nodeAffinityErrors),
    ...ifThere(affinity, "podAffinity", path, podAffinityErrors),
    ...ifThere(affinity, "podAntiAffinity", path, podAffinityErrors),
  ];
}

function nodeAffinityErrors(affinity: Fields, path: string): FieldError[] {
  return [
    ...ifThere(affinity, required, path, ({ nodeSelectorTerms }, at) =>
      listOf(nodeSelectorTerms).length === 0
        ? [fieldError.required(`${at}.nodeSelectorTerms`, "must have at least one node selector term")]
        : fieldsIn(nodeSelectorTerms).flatMap((term, index) =>
            nodeTermErrors(term, `${at}.nodeSelectorTerms[${index}]`),
          ),
    ),
    ...fieldsIn(affinity[preferred]).flatMap(({ weight, preference }, index) => [
      ...weightErrors(weight, `${path}.${preferred}[${index}].weight`),
      ...nodeTermErrors(fieldsOf(preference), `${path}.${preferred}[${index}].preference`),
    ]),
  ];
}

function weightErrors(weight: unknown, field: string): FieldError[] {
  return typeof weight === "number" && weight >= 1 && weight <= 100
    ? []
    : [fieldError.invalid(field, weight ?? 0, "must be in the range 1-100")];
}

function nodeTermErrors({ matchExpressions, matchFields }: Fields, path: string): FieldError[] {
  return [
    ...fieldsIn(matchExpressions).flatMap((expression, index) =>
      nodeExpressionErrors(expression, `${path}.matchExpressions[${index}]`),
    ),
    ...fieldsIn(matchFields).flatMap((expression, index) =>
      nodeFieldErrors(expression, `${path}.matchFields[${index}]`),
    ),
  ];
}

function nodeExpressionErrors({ key, operator, values }: Fields, path: string): FieldError[] {
  const list = listOf(values).map(textOf);
  const needed = (detail: string): FieldError[] => [fieldError.required(`${path}.values`, detail)];
  const valueErrors = (): FieldError[] => {
    switch (operator) {
      case "In":
      case "NotIn":
        return list.length > 0 ? [] : needed("must be specified when `operator` is 'In' or 'NotIn'");
      case "Exists":
      case "DoesNotExist":
        return list.length === 0
          ? []
          : [
              fieldError.forbidden(
                `${path}.values`,
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
              ),
            ];
      case "Gt":
      case "Lt":
        return list.length === 1
          ? []
          : needed("must be specified single value when `operator` is 'Lt' or 'Gt'");
      default:
        return [fieldError.invalid(`${path}.operator`, textOf(operator), "not a valid selector operator")];
    }
  };
  return [
    ...valueErrors(),
    ...keyErrors(key, `${path}.key`),
    ...list.flatMap((value, index) =>
      labelValueProblems(value).map((text) => fieldError.invalid(`${path}.values[${index}]`, value, text)),
    ),
  ];
}

function nodeFieldErrors({ key, operator, values }: Fields, path: string): FieldError[] {
  const only = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
  return [
    ...(operator !== "In" && operator !== "NotIn"
      ? [fieldError.invalid(`${path}.operator`, textOf(operator), "not a valid selector operator")]
      : listOf(values).length === 1
        ? []
        : [fieldError.required(`${path}.values`, only)]),
    ...(key === "metadata.name"
      ? []
      : [fieldError.invalid(`${path}.key`, textOf(key), "not a valid field selector key")]),
  ];
}

function podAffinityErrors(affinity: Fields, path: string): FieldError[] {
  return [
    ...fieldsIn(affinity[required]).flatMap((term, index) =>
      podTermErrors(term, `${path}.${required}[${index}]`),
    ),
    ...fieldsIn(affinity[preferred]).flatMap(({ weight, podAffinityTerm }, index) => [
      ...weightErrors(weight, `${path}.${preferred}[${index}].weight`),
      ...podTermErrors(fieldsOf(podAffinityTerm), `${path}.${preferred}[${index}].podAffinityTerm`),
    ]),
  ];
}

function podTermErrors(
  { labelSelector, namespaceSelector, topologyKey }: Fields,
  path: string,
): FieldError[] {
  return [
    ...labelSelectorErrors(labelSelector, `${path}.labelSelector`),
    ...labelSelectorErrors(namespaceSelector, `${path}.namespaceSelector`),
    ...(textOf(topologyKey) === "" ? [fieldError.required(`${path}.topologyKey`, "can not be empty")] : []),
    ...keyErrors(topologyKey, `${path}.topologyKey`),
  ];
}

/** Errors of how a pod's copies are to be spread. */
export function spreadErrors(constraints: unknown, path: string): FieldError[] {
  const all = fieldsIn(constraints);
  const pairs = all.map(
    ({ topologyKey, whenUnsatisfiable }) => `{${textOf(topologyKey)}, ${textOf(whenUnsatisfiable)}}`,
  );
  const last = new Map(pairs.map((pair, index) => [pair, index]));
  return all.flatMap((constraint, index) => {
    const at = `${path}[${index}]`;
    const { labelSelector, matchLabelKeys, maxSkew, topologyKey, whenUnsatisfiable } = constraint;
    return [
      ...(typeof maxSkew === "number" && maxSkew > 0
        ? []
        : [fieldError.invalid(`${at}.maxSkew`, maxSkew ?? 0, "must be greater than zero")]),
      ...(textOf(topologyKey) === ""
        ? [fieldError.required(`${at}.topologyKey`, "can not be empty")]
        : keyErrors(topologyKey, `${at}.topologyKey`)),
      ...oneOf(textOf(whenUnsatisfiable), ["DoNotSchedule", "ScheduleAnyway"], `${at}.whenUnsatisfiable`),
      // Told at the first of those that are alike.
      ...((last.get(pairs[index] ?? "") ?? 0) > index
        ? [fieldError.duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, pairs[index])]
        : []),
      ...domainErrors(constraint, `${at}.minDomains`),
      ...oneOf(constraint.nodeAffinityPolicy, ["Honor", "Ignore"], `${at}.nodeAffinityPolicy`),
      ...oneOf(constraint.nodeTaintsPolicy, ["Honor", "Ignore"], `${at}.nodeTaintsPolicy`),
      ...(listOf(matchLabelKeys).length > 0 && labelSelector === undefined
        ? [
            fieldError.forbidden(
              `${at}.matchLabelKeys`,
              "must not be specified when labelSelector is not set",
            ),
          ]
        : []),
      ...labelSelectorErrors(labelSelector, `${at}.labelSelector`),
    ];
  });
}

function domainErrors({ minDomains, whenUnsatisfiable }: Fields, field: string): FieldError[] {
  if (typeof minDomains !== "number") return [];
  if (minDomains <= 0) return [fieldError.invalid(field, minDomains, "must be greater than zero")];
  const text = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${textOf(whenUnsatisfiable)}`;
  return whenUnsatisfiable === "DoNotSchedule" ? [] : [fieldError.invalid(field, minDomains, text)];
}

/** Errors of what a pod waits for before and after it is placed. */
export function gateErrors(spec: Fields, path: string): FieldError[] {
  const gates = fieldsIn(spec.schedulingGates).map(({ name }) => textOf(name));
  return [
    ...fieldsIn(spec.readinessGates).flatMap(({ conditionType }, index) =>
      keyErrors(conditionType, `${path}.readinessGates[${index}].conditionType`),
    ),
    ...gates.flatMap((gate, index) => keyErrors(gate, `${path}.schedulingGates[${index}]`)),
    ...duplicateErrors(gates, (index) => `${path}.schedulingGates[${index}]`),
  ];
}
