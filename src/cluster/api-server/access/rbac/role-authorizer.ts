import type { User } from "../../../../kubernetes/transport.ts";
import type { Attributes } from "../attributes.ts";
import { isPath } from "../attributes.ts";
import type { Authorizer, Decision, PathRule, Permissions, ResourceRule } from "../authorizer.ts";
import type { Grant, RoleIndex } from "./role-index.ts";
import { type PolicyRule, rbacGroup, ruleCovers, ruleNames } from "./roles.ts";

/** Whose members may all, whatever roles say: so that nobody can lock everybody out. */
export const mastersGroup = "system:masters";

const none: Decision = { allowed: false, reason: "" };
// Far more than there are users and kinds of requests; only so that made-up ones cannot fill the memory.
const mostRemembered = 2000;

/** Decides by Roles and ClusterRoles, and by their bindings. */
export class RoleAuthorizer implements Authorizer {
  readonly #index: RoleIndex;
  readonly #known = new Map<string, HeldRules>();
  #generation = -1;

  constructor(index: RoleIndex) {
    this.#index = index;
  }

  authorize(user: User, attributes: Attributes): Decision {
    if (user.groups.includes(mastersGroup)) return { allowed: true, reason: "" };
    return this.#heldBy(user, isPath(attributes) ? "" : attributes.namespace).decide(attributes);
  }

  permissions(user: User, namespace: string): Permissions {
    const { rules, missing } = this.heldRules(user, namespace);
    return {
      resourceRules: rules.filter((rule) => rule.resources !== undefined).map(asResourceRule),
      nonResourceRules: rules.filter((rule) => rule.nonResourceURLs !== undefined).map(asPathRule),
      ...(missing.length === 0 ? {} : { evaluationError: missingTexts(missing) }),
    };
  }

  /** All rules that a user holds in a namespace, or in the cluster when it is empty, and the roles that are bound and not there. */
  heldRules(
    user: User,
    namespace: string,
  ): { readonly rules: readonly PolicyRule[]; readonly missing: readonly Grant[] } {
    return this.#heldBy(user, namespace);
  }

  #heldBy(user: User, namespace: string): HeldRules {
    if (this.#generation !== this.#index.generation || this.#known.size > mostRemembered) {
      this.#known.clear();
      this.#generation = this.#index.generation;
    }
    const key = JSON.stringify([namespace, user.name, user.groups]);
    let held = this.#known.get(key);
    if (held === undefined) {
      held = new HeldRules(this.#index, user, namespace);
      this.#known.set(key, held);
    }
    return held;
  }
}

interface HeldRule {
  readonly rule: PolicyRule;
  readonly grant: Grant;
}

/** What one user may do in one place. What covers a kind of request is looked for once. */
class HeldRules {
  readonly missing: readonly Grant[];
  readonly #held: readonly HeldRule[];
  readonly #covering = new Map<string, readonly HeldRule[]>();

  constructor(index: RoleIndex, user: User, namespace: string) {
    const missing: Grant[] = [];
    const seen = new Set<unknown>();
    this.#held = index.grantsOf(user, namespace).flatMap((grant) => {
      const role = index.role(grant.binding.roleRef, grant.binding.metadata.namespace ?? "");
      if (role === undefined) missing.push(grant);
      if (role === undefined || seen.has(role)) return [];
      seen.add(role);
      return (role.rules ?? []).map((rule) => ({ rule, grant }));
    });
    this.missing = missing;
  }

  get rules(): readonly PolicyRule[] {
    return this.#held.map(({ rule }) => rule);
  }

  decide(attributes: Attributes): Decision {
    const name = isPath(attributes) ? "" : attributes.name;
    const found = this.#coveringOf(attributes).find(({ rule }) => ruleNames(rule, name));
    if (found !== undefined) return { allowed: true, reason: reasonOf(found.grant) };
    return this.missing.length === 0
      ? none
      : { allowed: false, reason: `RBAC: ${missingTexts(this.missing)}` };
  }

  #coveringOf(attributes: Attributes): readonly HeldRule[] {
    const key = isPath(attributes)
      ? `${attributes.verb} ${attributes.path}`
      : `${attributes.verb} ${attributes.group} ${attributes.resource} ${attributes.subresource}`;
    let covering = this.#covering.get(key);
    if (covering === undefined) {
      if (this.#covering.size > mostRemembered) this.#covering.clear();
      covering = this.#held.filter(({ rule }) => ruleCovers(rule, attributes));
      this.#covering.set(key, covering);
    }
    return covering;
  }
}

function missingTexts(grants: readonly Grant[]): string {
  const texts = grants.map(
    ({ binding: { roleRef } }) => `${roleRef.kind.toLowerCase()}.${rbacGroup} "${roleRef.name}" not found`,
  );
  const [first = "", ...others] = new Set(texts);
  return others.length === 0 ? first : `[${[first, ...others].join(", ")}]`;
}

function reasonOf({ binding, subject }: Grant): string {
  const { name, namespace } = binding.metadata;
  const kind = namespace === undefined ? "ClusterRoleBinding" : "RoleBinding";
  const place = namespace === undefined ? name : `${name}/${namespace}`;
  const whom =
    subject.kind === "ServiceAccount"
      ? `${subject.name}/${subject.namespace ?? namespace ?? ""}`
      : subject.name;
  const { roleRef } = binding;
  return `RBAC: allowed by ${kind} "${place}" of ${roleRef.kind} "${roleRef.name}" to ${subject.kind} "${whom}"`;
}

function asResourceRule({ verbs, apiGroups = [], resources = [], resourceNames }: PolicyRule): ResourceRule {
  return { verbs, apiGroups, resources, ...(resourceNames === undefined ? {} : { resourceNames }) };
}

function asPathRule({ verbs, nonResourceURLs = [] }: PolicyRule): PathRule {
  return { verbs, nonResourceURLs };
}
