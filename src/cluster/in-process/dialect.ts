/**
 * The kinds of cluster that Teal finds. `embedded`: one EndpointSlice for all, confirmed by the traffic process. `plain
 * Kubernetes`: as a real one, where nobody confirms anything, a Service has several small slices in both families, and
 * endpoints and ReplicaSets' statuses come later than what they follow.
 */
export const dialects = ["embedded", "plain Kubernetes"] as const;

export type Dialect = (typeof dialects)[number];
