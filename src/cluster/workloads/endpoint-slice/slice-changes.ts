import type { EndpointSlice } from "../../../api/core.ts";
import type { SliceContent } from "./slices.ts";

export interface SliceChanges {
  readonly create: readonly SliceContent[];
  /** Those that stay, with what they are to say. */
  readonly keep: readonly { readonly slice: EndpointSlice; readonly content: SliceContent }[];
  readonly delete: readonly EndpointSlice[];
}

/**
 * What turns the slices that are there into those that are wanted, in as few writes as possible: every wanted one takes
 * the slice that has its ports already, else any that is left over, so that a switch of the selector is one update.
 */
export function sliceChanges(
  wanted: readonly SliceContent[],
  existing: readonly EndpointSlice[],
): SliceChanges {
  const free = new Set(existing);
  const take = (fits: (slice: EndpointSlice) => boolean) => {
    const slice = [...free].find(fits);
    if (slice !== undefined) free.delete(slice);
    return slice;
  };
  const withSamePorts = wanted.map((content) => ({
    content,
    slice: take((slice) => same(slice.ports ?? [], content.ports)),
  }));
  const assigned = withSamePorts.map(({ content, slice }) => ({ content, slice: slice ?? take(() => true) }));
  return {
    create: assigned.flatMap(({ content, slice }) => (slice === undefined ? [content] : [])),
    keep: assigned.flatMap(({ content, slice }) => (slice === undefined ? [] : [{ slice, content }])),
    delete: [...free],
  };
}

/** Whether two JSON values are equal, whatever the order of their objects' fields. */
export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => [key, sorted(field)]),
  );
}
