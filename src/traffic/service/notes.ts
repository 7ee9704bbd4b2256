import type { EndpointSlice, Service } from "../../api/core.ts";
import type { RouteNote } from "../router.ts";
import { followsSelector, managerOf, namedPorts } from "./slices.ts";

export const serviceNoteReasons = ["ForeignEndpoints", "MissingAddressFamily", "MissingPort"] as const;

/** How many slices a sentence names. */
const named = 3;

/** What the owner of a Service should know of its EndpointSlices (sorted by name), though no release waits for it. */
export function notesOf(service: Service, slices: readonly EndpointSlice[]): readonly RouteNote[] {
  const filled = slices.filter(({ endpoints }) => (endpoints ?? []).length > 0);
  const own = filled.filter(followsSelector);
  return [
    ...foreignEndpoints(
      service,
      filled.filter((slice) => !followsSelector(slice)),
    ),
    ...missingPorts(service, own),
    ...missingFamilies(service, slices.filter(followsSelector), own),
  ];
}

function foreignEndpoints({ metadata }: Service, foreign: readonly EndpointSlice[]): readonly RouteNote[] {
  if (foreign.length === 0) return [];
  const makers = foreign.map(
    (slice) => `${slice.metadata.name} (managed by ${managerOf(slice) ?? "nobody"})`,
  );
  const message =
    `Service ${metadata.name} also sends requests to the endpoints of EndpointSlice ${list(makers)}: ` +
    "they do not follow its selector, so no switch moves them";
  return [{ reason: "ForeignEndpoints", message }];
}

// A port that no container has the name of is left out of the slice, without an event anywhere.
function missingPorts(service: Service, own: readonly EndpointSlice[]): readonly RouteNote[] {
  const isMissing = (name: string): boolean =>
    own.some(({ ports }) => !(ports ?? []).some((port) => (port.name ?? "") === name));
  const missing = namedPorts(service).filter(({ name = "" }) => isMissing(name));
  if (missing.length === 0) return [];
  const ports = missing.map(({ port, targetPort }) => `${port} (targetPort ${targetPort})`);
  const message =
    `port ${list(ports)} of Service ${service.metadata.name} leads nowhere for some pods: ` +
    "none of their containers names a port so";
  return [{ reason: "MissingPort", message }];
}

function missingFamilies(
  { metadata }: Service,
  own: readonly EndpointSlice[],
  filled: readonly EndpointSlice[],
): readonly RouteNote[] {
  const inUse = new Set(filled.map(({ addressType }) => addressType));
  const missing = new Set(own.map(({ addressType }) => addressType).filter((family) => !inUse.has(family)));
  if (inUse.size === 0 || missing.size === 0) return [];
  const message = `Service ${metadata.name} has no endpoint over ${[...missing].join()}, though it has addresses of that family`;
  return [{ reason: "MissingAddressFamily", message }];
}

function list(words: readonly string[]): string {
  return words.slice(0, named).join(", ") + (words.length > named ? " and others" : "");
}
