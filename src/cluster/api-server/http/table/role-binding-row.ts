import type { KubernetesObject } from "../../../../api/core.ts";
import { ageOf } from "./age.ts";
import { printerOf } from "./cells.ts";

interface RoleBinding extends KubernetesObject {
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly Subject[];
}

interface Subject {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

export const printRoleBinding = printerOf<RoleBinding>(({ metadata, roleRef, subjects = [] }, now) => {
  const named = (kind: string, nameOf: (subject: Subject) => string): string =>
    subjects
      .filter((subject) => subject.kind === kind)
      .map(nameOf)
      .join(", ");
  return [
    metadata.name,
    `${roleRef.kind}/${roleRef.name}`,
    ageOf(metadata.creationTimestamp, now),
    named("User", ({ name }) => name),
    named("Group", ({ name }) => name),
    named("ServiceAccount", ({ namespace = "", name }) => `${namespace}/${name}`),
  ];
});
