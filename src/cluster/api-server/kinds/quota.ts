import { compareQuantities } from "../../../api/quantity.ts";
import { type Fields, fieldsIn, fieldsOf, listOf, ownValue, textOf } from "../json.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import { repetitions } from "./field-checks.ts";
import { plainRules } from "./plain.ts";
import { amountErrors, quotaNameProblems } from "./pod/resource-errors.ts";
import type { Rules } from "./rules.ts";

const notEnforced = (kind: string): readonly string[] => [
  `the embedded cluster stores ${kind} objects but does not enforce them`,
];

export const resourceQuotaRules: Rules = {
  ...plainRules,
  deletionAnswer: "object",
  creationWarnings: () => notEnforced("ResourceQuota"),
  beforeCreate: (quota) => ({ ...quota, status: {} }),
  validate: ({ spec }) => {
    const { hard, scopes } = fieldsOf(spec);
    return [
      ...Object.entries(fieldsOf(hard)).flatMap(([name, amount]) => {
        const field = `spec.hard[${name}]`;
        const text = textOf(amount);
        return [
          ...quotaNameProblems(name).map((problem) => fieldError.invalid(field, name, problem)),
          ...(text.startsWith("-")
            ? [fieldError.invalid(field, text, "must be greater than or equal to 0")]
            : []),
        ];
      }),
      ...(listOf(scopes).some((scope) => !knownScopes.has(textOf(scope)))
        ? [fieldError.invalid("spec.scopes", scopes, "unsupported scope")]
        : []),
    ];
  },
};

const knownScopes = new Set([
  "Terminating",
  "NotTerminating",
  "BestEffort",
  "NotBestEffort",
  "PriorityClass",
  "CrossNamespacePodAffinity",
  "VolumeAttributesClass",
]);

export const limitRangeRules: Rules = {
  ...plainRules,
  createsOnUpdate: true,
  creationWarnings: () => notEnforced("LimitRange"),
  withDefaults: (range) => {
    const spec = fieldsOf(range.spec);
    return { ...range, spec: { ...spec, limits: fieldsIn(spec.limits).map(withLimitDefaults) } };
  },
  validate: ({ spec }) => {
    const limits = fieldsIn(fieldsOf(spec).limits);
    const isRepeated = repetitions(limits.map(({ type }) => textOf(type)));
    return limits.flatMap((limit, index) => {
      const path = `spec.limits[${index}]`;
      return isRepeated[index]
        ? [fieldError.duplicate(`${path}.type`, limit.type)]
        : limitErrors(limit, path);
    });
  },
};

// Of containers only: what may be used at most is what is given, and that is what is asked for.
function withLimitDefaults(limit: Fields): Fields {
  if (limit.type !== "Container") return limit;
  const given = { ...fieldsOf(limit.max), ...fieldsOf(limit.default) };
  const asked = { ...fieldsOf(limit.min), ...given, ...fieldsOf(limit.defaultRequest) };
  const named = (amounts: Fields, name: string): Fields =>
    Object.keys(amounts).length === 0 ? {} : { [name]: amounts };
  return { ...limit, ...named(given, "default"), ...named(asked, "defaultRequest") };
}

function limitErrors(limit: Fields, path: string): FieldError[] {
  const parts = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];
  const negative = parts.flatMap((part) =>
    Object.entries(fieldsOf(limit[part])).flatMap(([name, amount]) =>
      limit.type === "Container" ? amountErrors(name, amount, `${path}.${part}[${name}]`) : [],
    ),
  );
  const names = new Set(parts.flatMap((part) => Object.keys(fieldsOf(limit[part]))));
  return [...negative, ...[...names].sort().flatMap((name) => orderErrors(limit, name, path))];
}

function orderErrors(limit: Fields, name: string, path: string): FieldError[] {
  const amount = (part: string): string => textOf(ownValue(fieldsOf(limit[part]), name));
  const [min, max, request, standard] = ["min", "max", "defaultRequest", "default"].map(amount);
  const isMore = (one = "", other = ""): boolean =>
    one !== "" && other !== "" && compareQuantities(one, other) > 0;
  const error = (part: string, value: string | undefined, text: string): FieldError =>
    fieldError.invalid(`${path}.${part}[${name}]`, value, text);
  return [
    ...(isMore(min, max) ? [error("min", min, `min value ${min} is greater than max value ${max}`)] : []),
    ...(isMore(min, request)
      ? [
          error(
            "defaultRequest",
            request,
            `min value ${min} is greater than default request value ${request}`,
          ),
        ]
      : []),
    ...(isMore(request, max)
      ? [
          error(
            "defaultRequest",
            request,
            `default request value ${request} is greater than max value ${max}`,
          ),
        ]
      : []),
    ...(isMore(request, standard)
      ? [
          error(
            "defaultRequest",
            request,
            `default request value ${request} is greater than default limit value ${standard}`,
          ),
        ]
      : []),
    ...(isMore(min, standard)
      ? [error("default", min, `min value ${min} is greater than default value ${standard}`)]
      : []),
    ...(isMore(standard, max)
      ? [error("default", standard, `default value ${standard} is greater than max value ${max}`)]
      : []),
  ];
}
