import type { KubernetesObject } from "../../../../api/core.ts";
import { type Attributes, isPath, type ResourceAttributes } from "../attributes.ts";

/** The group of all kinds here. */
export const rbacGroup = "rbac.authorization.k8s.io";

/** What a role allows. A rule is about resources or about paths, never both. `*` stands for all. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  /** `pods`, `pods/log`; a star in front of the stroke stands for the resources that have this subresource. */
  readonly resources?: readonly string[];
  /** The only objects that are meant; all when there are none. */
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

/** A Role or ClusterRole. */
export interface RoleObject extends KubernetesObject {
  readonly rules?: readonly PolicyRule[] | null;
  readonly aggregationRule?: unknown;
}

export interface RoleReference {
  readonly kind: string;
  readonly name: string;
}

export interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** A RoleBinding or ClusterRoleBinding. */
export interface BindingObject extends KubernetesObject {
  readonly roleRef: RoleReference;
  readonly subjects?: readonly Subject[] | null;
}

/** Whether a rule is about what `attributes` name, and lets it be done; objects' names aside. */
export function ruleCovers(rule: PolicyRule, attributes: Attributes): boolean {
  if (!has(rule.verbs, attributes.verb)) return false;
  return isPath(attributes)
    ? (rule.nonResourceURLs ?? []).some((url) => pathMatches(url, attributes.path))
    : has(rule.apiGroups, attributes.group) &&
        (rule.resources ?? []).some((one) => resourceMatches(one, attributes));
}

/** Whether a rule that covers a request lets it have this object. An empty name is that of all objects. */
export function ruleNames({ resourceNames = [] }: PolicyRule, name: string): boolean {
  return resourceNames.length === 0 || resourceNames.includes(name);
}

function has(allowed: readonly string[] | undefined, wanted: string): boolean {
  return allowed !== undefined && (allowed.includes("*") || allowed.includes(wanted));
}

function resourceMatches(allowed: string, { resource, subresource }: ResourceAttributes): boolean {
  if (allowed === "*") return true;
  return subresource === ""
    ? allowed === resource
    : allowed === `${resource}/${subresource}` || allowed === `*/${subresource}`;
}

/** Whether a path of a rule, which may end with `*`, means this path. */
export function pathMatches(allowed: string, path: string): boolean {
  return allowed === path || (allowed.endsWith("*") && path.startsWith(allowed.replace(/\*+$/, "")));
}
