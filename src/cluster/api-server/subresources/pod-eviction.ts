import { deletionOptions, type WriteOptions } from "../options.ts";
import { travellingType } from "../sent-object.ts";
import type { Place, Writer } from "../writer.ts";

const evictionType = travellingType("policy", "v1", "Eviction");

/** Deletes a pod as a drain does. There are no disruption budgets to ask. Returns warnings. */
export function evictPod(
  writer: Writer,
  place: Place,
  body: unknown,
  query: Readonly<Record<string, string>>,
  options: WriteOptions,
): readonly string[] {
  const { object: eviction, warnings } = writer.readSubresource(evictionType, place, body, options);
  writer.delete(place, deletionOptions(eviction.deleteOptions, query));
  return warnings;
}
