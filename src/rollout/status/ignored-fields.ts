import type { Rollout } from "../../api/rollout.ts";
import type { Note } from "./notes.ts";

/** Fields of the schema on which Teal does not act, though nothing else refuses them. */
export const ignoredFields: readonly string[] = [
  "spec.analysis",
  "spec.restartAt",
  "spec.strategy.blueGreen.activeMetadata",
  "spec.strategy.blueGreen.antiAffinity",
  "spec.strategy.blueGreen.maxUnavailable",
  "spec.strategy.blueGreen.previewMetadata",
];

/** Says on the object which of its fields have no effect. */
export function noteIgnoredFields(rollout: Rollout): readonly Note[] {
  const names = ignoredFields.filter((path) => isSet(rollout, path.split(".")));
  const { autoPromotionEnabled, autoPromotionSeconds = 0 } = rollout.spec.strategy?.blueGreen ?? {};
  if (autoPromotionEnabled === false && autoPromotionSeconds > 0)
    names.push("spec.strategy.blueGreen.autoPromotionSeconds (autoPromotionEnabled is false)");
  if (names.length === 0) return [];
  const verb = names.length === 1 ? "has" : "have";
  return [{ reason: "IgnoredFields", message: `${names.join(", ")} ${verb} no effect` }];
}

/** Whether the field is there; its value is not looked at. */
function isSet(object: unknown, [field, ...rest]: readonly string[]): boolean {
  if (typeof object !== "object" || object === null || field === undefined) return false;
  if (!Object.hasOwn(object, field)) return false;
  return rest.length === 0 || isSet((object as Record<string, unknown>)[field], rest);
}
