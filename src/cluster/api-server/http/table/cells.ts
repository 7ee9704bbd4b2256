import type { KubernetesObject } from "../../../../api/core.ts";
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
