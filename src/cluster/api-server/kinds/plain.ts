import { subdomainName } from "../names.ts";
import type { Rules } from "./rules.ts";

const same = <T>(object: T): T => object;

/** The rules of a kind about which there is nothing particular. */
export const plainRules: Rules = {
  hasGeneration: false,
  countsAnnotations: false,
  untouchedByStatus: [],
  deletionAnswer: "status",
  createsOnUpdate: false,
  needsVersionOnUpdate: false,
  nameRule: subdomainName,
  selectable: { paths: {}, own: false },
  creationWarnings: () => [],
  withDefaults: same,
  beforeCreate: same,
  beforeUpdate: same,
  beforeStatusUpdate: same,
  validate: () => [],
  validateStatus: () => [],
};

/** `spec.nodeName` as a selectable field that is found where its name says. */
export function selectablePaths(...names: readonly string[]): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(names.map((name) => [name, name.split(".")]));
}
