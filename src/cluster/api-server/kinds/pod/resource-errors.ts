import { qualifiedNameProblems } from "../../../../api/label-rules.ts";
import { compareQuantities } from "../../../../api/quantity.ts";
import { type Fields, fieldsIn, fieldsOf, ownValue, textOf } from "../../json.ts";
import { type FieldError, fieldError } from "../../refusal.ts";
import { oneOf, repetitions } from "../field-checks.ts";

const standard = new Set(["cpu", "memory", "ephemeral-storage"]);
const pages = /^hugepages-/;

// Resources of which a container may not ask for less than it may use.
function isExact(name: string): boolean {
  return pages.test(name) || isExtended(name);
}

function isExtended(name: string): boolean {
  return name.includes("/") && !name.includes("kubernetes.io/") && !name.startsWith("requests.");
}

// What else there are quotas of, though no container can ask for it.
const countable = new Set([
  "storage",
  "pods",
  "services",
  "replicationcontrollers",
  "resourcequotas",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "services.nodeports",
  "services.loadbalancers",
]);
const countablePrefixed = /^(requests|limits)\.(cpu|memory|ephemeral-storage|storage|hugepages-.*)$/;

function nameProblems(name: string): readonly string[] {
  if (standard.has(name) || pages.test(name)) return [];
  const unqualified = qualifiedNameProblems(name);
  if (name.includes("/")) {
    const isForeign = !name.includes("kubernetes.io/") && !isExtended(name);
    return [...unqualified, ...(isForeign ? ["doesn't follow extended resource name standard"] : [])];
  }
  const isKnown = unqualified.length > 0 || countable.has(name) || countablePrefixed.test(name);
  return [
    ...unqualified,
    ...(isKnown ? [] : ["must be a standard resource type or fully qualified"]),
    "must be a standard resource for containers",
  ];
}

/** What is wrong with the name of something that a ResourceQuota counts. */
export function quotaNameProblems(name: string): readonly string[] {
  if (standard.has(name) || pages.test(name) || countable.has(name) || countablePrefixed.test(name))
    return [];
  if (name.includes("/")) return qualifiedNameProblems(name);
  return [
    ...qualifiedNameProblems(name),
    "must be a standard resource type or fully qualified",
    "must be a standard resource for quota",
  ];
}

/** Errors of a container's `resources`. `claims` are the pod's. */
export function resourceErrors(value: unknown, claims: readonly Fields[], path: string): FieldError[] {
  const resources = fieldsOf(value);
  const limits = fieldsOf(resources.limits);
  const requests = fieldsOf(resources.requests);
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  return [
    ...Object.entries(limits).flatMap(([name, amount]) =>
      amountErrors(name, amount, `${path}.limits[${name}]`),
    ),
    ...Object.entries(requests).flatMap(([name, amount]) => [
      ...amountErrors(name, amount, `${path}.requests[${name}]`),
      ...requestErrors(name, textOf(amount), limits, path),
    ]),
    ...(names.some((name) => pages.test(name)) && !names.includes("cpu") && !names.includes("memory")
      ? [fieldError.forbidden(path, "HugePages require cpu or memory")]
      : []),
    ...claimErrors(resources.claims, claims, `${path}.claims`),
  ];
}

/** Errors of what a pod costs beside its containers. */
export function overheadErrors(overhead: unknown, path: string): FieldError[] {
  return resourceErrors({ limits: overhead }, [], path);
}

/** Errors of an amount of something that a container may have. */
export function amountErrors(name: string, amount: unknown, field: string): FieldError[] {
  const problems = nameProblems(name);
  const text = textOf(amount);
  return [
    ...problems.map((problem) => fieldError.invalid(field, name, problem)),
    ...(text.startsWith("-")
      ? [fieldError.invalid(field, text, "must be greater than or equal to 0")]
      : isExact(name) && /[num]$/.test(text)
        ? [fieldError.invalid(field, text, "must be an integer")]
        : []),
  ];
}

function requestErrors(name: string, request: string, limits: Fields, path: string): FieldError[] {
  const limit = ownValue(limits, name);
  if (limit === undefined)
    return isExact(name)
      ? [fieldError.required(`${path}.limits`, "Limit must be set for non overcommitable resources")]
      : [];
  const difference = compareQuantities(request, textOf(limit));
  if (isExact(name) ? difference === 0 : difference <= 0) return [];
  const relation = isExact(name) ? "equal to" : "less than or equal to";
  const text = `must be ${relation} ${name} limit of ${textOf(limit)}`;
  return [fieldError.invalid(`${path}.requests`, request, text)];
}

function claimErrors(list: unknown, claims: readonly Fields[], path: string): FieldError[] {
  const names = claims.map(({ name }) => textOf(name));
  const known = new Set(names);
  const which = names.length === 0 ? "which is empty" : `[${names.slice(0, 100).join(" ")}]`;
  return fieldsIn(list).flatMap(({ name }, index) => {
    if (known.has(textOf(name))) return [];
    const error = fieldError.notFound(`${path}[${index}]`, name);
    const more = `must be one of the names in pod.spec.resourceClaims ${which}`;
    return [{ ...error, message: `${error.message}: ${more}` }];
  });
}

/** Errors of what a change of resources does to a running container. */
export function resizePolicyErrors(policies: unknown, path: string): FieldError[] {
  const all = fieldsIn(policies);
  const isRepeated = repetitions(all.map(({ resourceName }) => textOf(resourceName)));
  return all.flatMap(({ resourceName, restartPolicy }, index) => [
    ...oneOf(resourceName, ["cpu", "memory"], path),
    ...oneOf(restartPolicy, ["NotRequired", "RestartContainer"], path),
    ...(isRepeated[index] ? [fieldError.duplicate(`${path}[${index}]`, resourceName)] : []),
  ]);
}
