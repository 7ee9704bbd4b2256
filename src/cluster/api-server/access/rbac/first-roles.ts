import type { Fields } from "../../json.ts";
import firstRoles from "./data/first-roles.json" with { type: "json" };

/** The objects that a cluster begins with, by the name of their resource: those of Kubernetes that anybody here needs. */
export const firstRoleObjects: Readonly<Record<"clusterroles" | "clusterrolebindings", readonly Fields[]>> = {
  clusterroles: firstRoles.clusterRoles,
  clusterrolebindings: firstRoles.clusterRoleBindings,
};
