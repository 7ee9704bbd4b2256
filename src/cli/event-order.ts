import type { KubernetesObject } from "../api/core.ts";
import type { Resource } from "../api/resources.ts";

/** The times that an Event has, whichever of the two APIs it comes from. */
interface TimedEvent extends Partial<Pick<KubernetesObject, "metadata">> {
  readonly series?: { readonly lastObservedTime?: string | null } | null;
  readonly lastTimestamp?: string | null;
  readonly deprecatedLastTimestamp?: string | null;
  readonly eventTime?: string | null;
}

export function isEvents({ group, plural }: Pick<Resource, "group" | "plural">): boolean {
  return plural === "events" && ["", "events.k8s.io"].includes(group);
}

/** Events as they are read: what happened last comes last. */
export function inOrderOfTime<T>(items: readonly T[], eventOf: (item: T) => TimedEvent): readonly T[] {
  return items
    .map((item) => ({ item, at: Date.parse(lastTime(eventOf(item))) || 0 }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

function lastTime(event: TimedEvent): string {
  const { series, lastTimestamp, deprecatedLastTimestamp, eventTime, metadata } = event;
  const observed = series?.lastObservedTime ?? lastTimestamp ?? deprecatedLastTimestamp ?? eventTime;
  return observed ?? metadata?.creationTimestamp ?? "";
}
