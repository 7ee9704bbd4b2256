import type { KubernetesObject, LabelSelector } from "../../../../api/core.ts";
import type { Instant } from "../../../../time/clock.ts";

export type Cell = string | number | boolean | null;

/** The cells of an object's row, in the order of its kind's columns. */
export type RowPrinter = (object: KubernetesObject, now: Instant) => readonly Cell[];

/** A printer of one kind. The API server has checked each object against the schema of its kind. */
export function printerOf<T extends KubernetesObject>(
  print: (object: T, now: Instant) => readonly Cell[],
): RowPrinter {
  return (object, now) => print(object as T, now);
}

/** What stands for an absent value. */
export const none = "<none>";

export function orNone(text: string | undefined): string {
  return text === undefined || text === "" ? none : text;
}

/** `app=web,tier=front`, sorted by key. */
export function labelText(labels: Readonly<Record<string, string>> | undefined): string {
  return orNone(
    Object.entries(labels ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .sort()
      .join(","),
  );
}

/** `app=web,track in (canary,stable)`, sorted by key. */
export function selectorText(selector: LabelSelector | undefined): string {
  const equal = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({
    key,
    text: `${key}=${value}`,
  }));
  const others = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    const set = `(${[...values].sort().join(",")})`;
    const forms = {
      In: `${key} in ${set}`,
      NotIn: `${key} notin ${set}`,
      Exists: key,
      DoesNotExist: `!${key}`,
    };
    return { key, text: forms[operator] };
  });
  const sorted = [...equal, ...others].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return orNone(sorted.map(({ text }) => text).join(","));
}

/** At most three of `all`, then how many are left. */
export function firstThree(all: readonly string[]): string {
  if (all.length === 0) return "<unset>";
  const shown = all.slice(0, 3).join(",");
  return all.length > 3 ? `${shown} + ${all.length - 3} more...` : shown;
}

/** Containers' names and images, as ReplicaSets and Deployments show them in wide tables. */
export function containerCells(
  containers: readonly { readonly name: string; readonly image?: string }[],
): readonly Cell[] {
  return [containers.map(({ name }) => name).join(","), containers.map(({ image }) => image ?? "").join(",")];
}
