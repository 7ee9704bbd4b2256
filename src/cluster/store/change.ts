import type { KubernetesObject } from "../../api/core.ts";

/** One change of one object, as watchers see it. */
export interface Change {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly version: number;
  readonly namespace: string;
  readonly name: string;
  /** The state from `version` on; for `DELETED` the last state with the deletion's `resourceVersion`. */
  readonly object: KubernetesObject;
  /** The state before; absent for `ADDED`. */
  readonly previous?: KubernetesObject;
}
