import type { KubernetesObject } from "../api/core.ts";
import type { Resource } from "../api/resources.ts";

/** A kind of objects that routers look at, and how it is held for thousands of Rollouts. */
export interface ReadKind<T extends KubernetesObject = KubernetesObject> {
  readonly resource: Resource;
  /** Only objects that it selects are read. */
  readonly labelSelector?: string;
  /** What is kept of an object: all that an answer may depend on. A change that it does not show is no news. */
  keep(this: void, object: T): T;
  /** `objectKeyOf` each of the objects that it tells something about, besides itself: an EndpointSlice tells about its Service. */
  about?(this: void, object: T): readonly string[];
}
