import { equalJson } from "../../../../api/equal-json.ts";
import type { User } from "../../../../kubernetes/transport.ts";
import type { ApiObject } from "../../kinds/rules.ts";
import { forbidden, notFound } from "../../refusal.ts";
import type { ResourceInfo } from "../../resource-info.ts";
import { mastersGroup, type RoleAuthorizer } from "./role-authorizer.ts";
import type { RoleIndex } from "./role-index.ts";
import { type BindingObject, type PolicyRule, pathMatches, type RoleObject, rbacGroup } from "./roles.ts";

const fullAuthority: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

/** Sees to it that nobody gives away more than they have: neither by what a role says nor by whom it is given to. */
export class EscalationCheck {
  readonly #index: RoleIndex;
  readonly #authorizer: RoleAuthorizer;

  constructor(index: RoleIndex, authorizer: RoleAuthorizer) {
    this.#index = index;
    this.#authorizer = authorizer;
  }

  /** Throws a refusal when `user` must not write this object. Objects of other kinds pass. */
  check(info: ResourceInfo, object: ApiObject, old: ApiObject | undefined, user: User): void {
    if (info.group !== rbacGroup || user.groups.includes(mastersGroup)) return;
    const isRole = info.plural === "roles" || info.plural === "clusterroles";
    const asked = isRole
      ? this.#rulesOfRole(info, object as unknown as RoleObject, old as RoleObject | undefined, user)
      : this.#rulesOfBinding(info, object as unknown as BindingObject, old, user);
    const { namespace = "", name } = object.metadata;
    const { rules: held, missing } = this.#authorizer.heldRules(user, namespace);
    const lacking = lackingRules(held, asked);
    if (lacking.length === 0) return;
    const groups = user.groups.map((group) => JSON.stringify(group)).join(" ");
    const unresolved = missing.map(({ binding }) => `roles.${rbacGroup} "${binding.roleRef.name}" not found`);
    const errors = unresolved.length === 0 ? "" : `; resolution errors: [${unresolved.join(", ")}]`;
    throw forbidden(
      info,
      name,
      `user ${JSON.stringify(user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n` +
        [...new Set(lacking)].sort().join("\n") +
        errors,
    );
  }

  #rulesOfRole(
    info: ResourceInfo,
    role: RoleObject,
    old: RoleObject | undefined,
    user: User,
  ): readonly PolicyRule[] {
    const isSame =
      old !== undefined &&
      equalJson(role.rules ?? [], old.rules ?? []) &&
      equalJson(role.aggregationRule, old.aggregationRule);
    const { namespace = "", name } = role.metadata;
    if (isSame || this.#may(user, "escalate", info.plural, namespace, name)) return [];
    // Whatever bears the right label comes into it, so that it may come to mean everything.
    if (role.aggregationRule !== undefined || old?.aggregationRule !== undefined) {
      const { rules: held } = this.#authorizer.heldRules(user, "");
      if (lackingRules(held, fullAuthority).length > 0)
        throw forbidden(info, name, "must have cluster-admin privileges to use the aggregationRule");
    }
    return role.rules ?? [];
  }

  #rulesOfBinding(
    info: ResourceInfo,
    binding: BindingObject,
    old: ApiObject | undefined,
    user: User,
  ): readonly PolicyRule[] {
    const { roleRef, metadata } = binding;
    const { namespace = "" } = metadata;
    const isSame =
      old !== undefined && equalJson(old.roleRef, roleRef) && equalJson(old.subjects, binding.subjects);
    const plural = roleRef.kind === "ClusterRole" ? "clusterroles" : "roles";
    if (isSame || this.#may(user, "bind", plural, namespace, roleRef.name)) return [];
    const role = this.#index.role(roleRef, namespace);
    if (role === undefined) throw notFound(info, roleRef.name);
    return role.rules ?? [];
  }

  #may(user: User, verb: string, resource: string, namespace: string, name: string): boolean {
    const attributes = { verb, group: rbacGroup, version: "v1", resource, subresource: "", namespace, name };
    return this.#authorizer.authorize(user, attributes).allowed;
  }
}

/** One verb on one resource, or one path, or all. */
interface Right {
  readonly verb: string;
  readonly group?: string;
  readonly resource?: string;
  /** Undefined for all objects. */
  readonly name?: string | undefined;
  readonly url?: string;
}

/** What of `asked` is not in `held`, in the server's words: one text for each resource or path, with its verbs. */
function lackingRules(held: readonly PolicyRule[], asked: readonly PolicyRule[]): string[] {
  const lacking = asked.flatMap(rightsOf).filter((right) => !held.some((rule) => includes(rule, right)));
  return [...Map.groupBy(lacking, ({ verb: _verb, ...rest }) => JSON.stringify(rest)).values()].map(
    rightsText,
  );
}

function rightsOf({
  verbs,
  apiGroups = [],
  resources = [],
  resourceNames = [],
  nonResourceURLs = [],
}: PolicyRule): Right[] {
  const names = resourceNames.length === 0 ? [undefined] : resourceNames;
  return [
    ...apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        names.flatMap((name) => verbs.map((verb) => ({ verb, group, resource, name }))),
      ),
    ),
    ...nonResourceURLs.flatMap((url) => verbs.map((verb) => ({ verb, url }))),
  ];
}

function includes(rule: PolicyRule, { verb, group = "", resource = "", name, url }: Right): boolean {
  const covers = (allowed: readonly string[] | undefined, wanted: string): boolean =>
    allowed !== undefined && (allowed.includes("*") || allowed.includes(wanted));
  if (!covers(rule.verbs, verb)) return false;
  if (url !== undefined) return (rule.nonResourceURLs ?? []).some((allowed) => pathMatches(allowed, url));
  const { resources, resourceNames = [] } = rule;
  const ofAll = `*/${resource.split("/")[1] ?? ""}`;
  const isNamed = resourceNames.length === 0 || (name !== undefined && resourceNames.includes(name));
  return (
    covers(rule.apiGroups, group) &&
    (covers(resources, resource) || (resource.includes("/") && resources?.includes(ofAll) === true)) &&
    isNamed
  );
}

function rightsText(rights: readonly Right[]): string {
  const { group = "", resource = "", name, url }: Partial<Right> = rights[0] ?? {};
  const quoted = (texts: readonly string[]): string =>
    `[${texts.map((text) => JSON.stringify(text)).join(" ")}]`;
  const verbs = `Verbs:${quoted([...new Set(rights.map(({ verb }) => verb))])}`;
  if (url !== undefined) return `{NonResourceURLs:${quoted([url])}, ${verbs}}`;
  const named = name === undefined ? "" : `ResourceNames:${quoted([name])}, `;
  return `{APIGroups:${quoted([group])}, Resources:${quoted([resource])}, ${named}${verbs}}`;
}
