import type { PodTemplateSpec } from "../../api/core.ts";
import type { Resource } from "../../api/resources.ts";
import type { Rollout } from "../../api/rollout.ts";
import { isObserved, phaseOf } from "../rollout-phase.ts";

/** One write that asks the controller for something. */
export type Patch =
  | { readonly of: "spec" | "status"; readonly merge: object }
  /** Of the Rollout, or of the workload that it refers to. */
  | {
      readonly of: "template";
      readonly resource: Resource;
      readonly name: string;
      readonly template: PodTemplateSpec;
    };

/** What somebody asked for can be had with `patches`, in this order. `says` is what that is, in words that follow the name. */
export interface Allowed {
  readonly is: "allowed";
  readonly patches: readonly Patch[];
  readonly says: string;
}

/** It is so already. */
export interface Needless {
  readonly is: "needless";
  readonly because: string;
}

/** It cannot be had; the way out is one that helps where the Rollout stands. */
export interface Refused {
  readonly is: "refused";
  readonly because: string;
  readonly wayOut: string;
}

export type Answer = Allowed | Needless | Refused;

export function allowed(says: string, ...patches: readonly Patch[]): Allowed {
  return { is: "allowed", patches, says };
}

export function refused(because: string, wayOut: string): Refused {
  return { is: "refused", because, wayOut };
}

/** Nothing can be asked any more of a Rollout that is being deleted. */
export function refusedAsDeleted({ metadata }: Rollout): Refused | undefined {
  if (metadata.deletionTimestamp === undefined) return undefined;
  return refused(`rollout '${metadata.name}' is being deleted`, "Wait until it is gone, and create it anew");
}

/** Whether the newest version is another than the stable one. */
export function isUpdating({ status = {} }: Rollout): boolean {
  return status.currentPodHash !== status.stableRS;
}

/** Whether the controller has seen today's spec and found it carried out. */
export function hasNothingToDo(rollout: Rollout): boolean {
  return isObserved(rollout) && !isUpdating(rollout);
}

/** Phase and message, as `status` words them: `Paused - BlueGreenPause`. */
export function stateText(rollout: Rollout): string {
  const { phase, message } = phaseOf(rollout);
  return message === "" ? phase : `${phase} - ${message}`;
}

/** The way out for somebody who wants to move a Rollout that has nothing new. */
export function newVersionHint({ metadata: { name } }: Rollout): string {
  return `Give it a new version, for example with "teal set image ${name} CONTAINER=IMAGE"`;
}

/** The way out where the new version cannot come up as it is. */
export function mendHint({ metadata: { name }, status }: Rollout): string {
  const mend = `Mend the template, for example with "teal set image ${name} CONTAINER=IMAGE"`;
  return (status?.stableRS ?? "") === "" ? mend : `${mend}, or give the update up with "teal abort ${name}"`;
}
