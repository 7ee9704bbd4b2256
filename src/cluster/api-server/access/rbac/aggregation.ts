import type { LabelSelector } from "../../../../api/core.ts";
import { equalJson } from "../../../../api/equal-json.ts";
import { selects } from "../../../../api/label-selector.ts";
import type { Store } from "../../../store/store.ts";
import { canonicalJson, fieldsIn, fieldsOf } from "../../json.ts";
import { roleCollections } from "./role-index.ts";
import type { PolicyRule, RoleObject } from "./roles.ts";

const collection = roleCollections.ClusterRole;

/**
 * Writes the rules of each ClusterRole that is put together from others: those of all that its selectors choose, in the order of
 * their names, each once. To be called after a ClusterRole has changed.
 */
export function aggregateClusterRoles(store: Store): void {
  const roles = store.list(collection) as readonly RoleObject[];
  const aggregated = roles.filter((role) => role.aggregationRule !== undefined);
  const rules = new Map(roles.map((role) => [role, role.rules ?? []]));
  // What is put together may be a part of something else. Those that are parts of each other settle in as many rounds, too.
  for (const _round of aggregated)
    for (const role of aggregated) rules.set(role, rulesOfParts(role, roles, rules));
  for (const role of aggregated) {
    const next = rules.get(role) ?? [];
    if (!equalJson(next, role.rules ?? [])) store.put(collection, { ...role, rules: next } as RoleObject);
  }
}

function rulesOfParts(
  role: RoleObject,
  all: readonly RoleObject[],
  rules: ReadonlyMap<RoleObject, readonly PolicyRule[]>,
): readonly PolicyRule[] {
  const selectors = fieldsIn(fieldsOf(role.aggregationRule).clusterRoleSelectors) as readonly LabelSelector[];
  const ofParts = selectors.flatMap((selector) =>
    all
      .filter((other) => other !== role && selects(selector, other.metadata.labels))
      .flatMap((other) => rules.get(other) ?? []),
  );
  return [...new Map(ofParts.map((rule) => [canonicalJson(rule), rule])).values()];
}
