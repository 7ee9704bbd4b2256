import { equalJson } from "../../../api/equal-json.ts";
import { rbacGroup } from "../access/rbac/roles.ts";
import { type Fields, fieldsIn, fieldsOf, listOf, textOf, withFields } from "../json.ts";
import { labelSelectorErrors, type NameRule, subdomainName } from "../names.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import { plainRules } from "./plain.ts";
import type { ApiObject, Rules } from "./rules.ts";

/** Any name that can stand in a path: names of roles have colons and capitals. */
const pathSegmentName: NameRule = (name) => [
  ...(name === "." || name === ".." ? [`may not be '${name}'`] : []),
  ...["/", "%"].filter((sign) => name.includes(sign)).map((sign) => `may not contain '${sign}'`),
];

const common: Rules = { ...plainRules, createsOnUpdate: true, nameRule: pathSegmentName };

// As the real server keeps a list of nothing.
const withRules = (role: ApiObject): ApiObject => (isEmpty(role.rules) ? { ...role, rules: null } : role);

export const roleRules: Rules = {
  ...common,
  withDefaults: withRules,
  validate: (role) => ruleListErrors(role, true),
};

export const clusterRoleRules: Rules = {
  ...common,
  withDefaults: withRules,
  validate: (role) => [...ruleListErrors(role, false), ...aggregationErrors(role.aggregationRule)],
};

export const roleBindingRules: Rules = bindingRules(["Role", "ClusterRole"]);
export const clusterRoleBindingRules: Rules = bindingRules(["ClusterRole"]);

function ruleListErrors({ rules }: Fields, isNamespaced: boolean): FieldError[] {
  return fieldsIn(rules).flatMap((rule, index) => ruleErrors(rule, `rules[${index}]`, isNamespaced));
}

function ruleErrors(rule: Fields, path: string, isNamespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (isEmpty(rule.verbs))
    errors.push(fieldError.required(`${path}.verbs`, "verbs must contain at least one value"));
  if (!isEmpty(rule.nonResourceURLs)) {
    const isMixed = ["apiGroups", "resources", "resourceNames"].some((field) => !isEmpty(rule[field]));
    const invalid = (why: string) => fieldError.invalid(`${path}.nonResourceURLs`, rule.nonResourceURLs, why);
    if (isNamespaced) errors.push(invalid("namespaced rules cannot apply to non-resource URLs"));
    if (isMixed) errors.push(invalid("rules cannot apply to both regular resources and non-resource URLs"));
    return errors;
  }
  if (isEmpty(rule.apiGroups)) {
    errors.push(
      fieldError.required(`${path}.apiGroups`, "resource rules must supply at least one api group"),
    );
  }
  if (isEmpty(rule.resources)) {
    errors.push(fieldError.required(`${path}.resources`, "resource rules must supply at least one resource"));
  }
  return errors;
}

function aggregationErrors(aggregation: unknown): FieldError[] {
  if (aggregation === undefined) return [];
  const field = "aggregationRule.clusterRoleSelectors";
  const selectors = listOf(fieldsOf(aggregation).clusterRoleSelectors);
  if (selectors.length === 0) {
    return [
      fieldError.required(field, "at least one clusterRoleSelector required if aggregationRule is non-nil"),
    ];
  }
  return selectors.flatMap((selector, index) => {
    const errors = labelSelectorErrors(selector, `${field}[${index}]`);
    if (errors.length === 0) return [];
    return [...errors, fieldError.invalid(`${field}[${index}]`, null, "invalid label selector.")];
  });
}

function bindingRules(roleKinds: readonly string[]): Rules {
  const isNamespaced = roleKinds.includes("Role");
  return {
    ...common,
    withDefaults: (binding) => {
      const roleRef = fieldsOf(binding.roleRef);
      const withGroup = { ...roleRef, apiGroup: textOf(roleRef.apiGroup) || rbacGroup };
      const subjects = Array.isArray(binding.subjects)
        ? fieldsIn(binding.subjects).map(subjectWithDefaults)
        : binding.subjects;
      return withFields(binding, { roleRef: withGroup, subjects }) as ApiObject;
    },
    validate: (binding, old) => {
      const errors = [...referenceErrors(fieldsOf(binding.roleRef), roleKinds)];
      fieldsIn(binding.subjects).forEach((subject, index) => {
        errors.push(...subjectErrors(subject, `subjects[${index}]`, isNamespaced));
      });
      if (old !== undefined && !equalJson(old.roleRef, binding.roleRef)) {
        const { apiGroup, kind, name } = fieldsOf(binding.roleRef);
        // As the server, which is written in Go, prints it.
        const shown = { APIGroup: apiGroup, Kind: kind, Name: name };
        errors.push(fieldError.invalid("roleRef", shown, "cannot change roleRef"));
      }
      return errors;
    },
  };
}

function subjectWithDefaults(subject: Fields): Fields {
  const isOfGroup = subject.kind === "User" || subject.kind === "Group";
  return isOfGroup ? { ...subject, apiGroup: textOf(subject.apiGroup) || rbacGroup } : subject;
}

function referenceErrors({ apiGroup, kind, name }: Fields, roleKinds: readonly string[]): FieldError[] {
  const errors: FieldError[] = [];
  if (apiGroup !== rbacGroup) errors.push(fieldError.notSupported("roleRef.apiGroup", apiGroup, [rbacGroup]));
  if (!roleKinds.includes(textOf(kind)))
    errors.push(fieldError.notSupported("roleRef.kind", textOf(kind), roleKinds));
  if (textOf(name) === "") errors.push(fieldError.required("roleRef.name"));
  else
    errors.push(...pathSegmentName(textOf(name)).map((why) => fieldError.invalid("roleRef.name", name, why)));
  return errors;
}

function subjectErrors(
  { kind, apiGroup, namespace, name }: Fields,
  path: string,
  isNamespaced: boolean,
): FieldError[] {
  const errors: FieldError[] = [];
  if (textOf(name) === "") errors.push(fieldError.required(`${path}.name`));
  const kinds = ["ServiceAccount", "User", "Group"];
  if (!kinds.includes(textOf(kind)))
    return [...errors, fieldError.notSupported(`${path}.kind`, textOf(kind), kinds)];
  const wanted = kind === "ServiceAccount" ? "" : rbacGroup;
  if (kind === "ServiceAccount" && textOf(name) !== "") {
    errors.push(...subdomainName(textOf(name)).map((why) => fieldError.invalid(`${path}.name`, name, why)));
  }
  if (textOf(apiGroup) !== wanted)
    errors.push(fieldError.notSupported(`${path}.apiGroup`, apiGroup, [wanted]));
  if (kind === "ServiceAccount" && !isNamespaced && textOf(namespace) === "")
    errors.push(fieldError.required(`${path}.namespace`));
  return errors;
}

function isEmpty(list: unknown): boolean {
  return listOf(list).length === 0;
}
