import type { KubernetesObject, ObjectMeta } from "../api/core.ts";
import type { Resource } from "../api/resources.ts";
import type { Role } from "../traffic/router.ts";

export interface PlannedEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** Identity and version of the object that the planner looked at: the precondition of a call. */
export interface Seen {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

export function seen({ metadata }: { readonly metadata: ObjectMeta }): Seen {
  const { namespace = "", name, uid = "", resourceVersion = "" } = metadata;
  return { namespace, name, uid, resourceVersion };
}

/** One call of the Kubernetes API. Each but a creation is valid for the very version of the object that was looked at. */
export type Call =
  | {
      readonly do: "create";
      readonly resource: Resource;
      readonly namespace: string;
      readonly object: KubernetesObject;
    }
  /** A merge patch (RFC 7386). */
  | { readonly do: "patch"; readonly resource: Resource; readonly seen: Seen; readonly patch: object }
  | { readonly do: "delete"; readonly resource: Resource; readonly seen: Seen };

/** What a call changes for users: what the invariants ask about it. */
export type Effect =
  /** The size of a ReplicaSet; one that is deleted loses its last pods. */
  | { readonly on: "pods"; readonly replicaSet: string; readonly from: number; readonly to: number }
  /** Where the requests of a route go. */
  | { readonly on: "requests"; readonly role: Role; readonly from: string | undefined; readonly to: string };

/** What must be so on the server at the very moment of the call, whatever the caches say. */
export interface Provided {
  /** This object lives, and is not being deleted. */
  readonly resource: Resource;
  readonly name: string;
  readonly uid: string;
  /** Of a ReplicaSet: it has so many available pods of its present generation. */
  readonly availablePods?: number;
}

/** A call with its reason. */
export type Action = Call & {
  /** What it does, for logs and people: `scale ReplicaSet web-1 from 0 to 2`. */
  readonly what: string;
  /** Why the planner wants it, for logs and people. */
  readonly because: string;
  readonly effect?: Effect;
  readonly provided?: Provided;
  /** Recorded when the call has succeeded. */
  readonly event?: PlannedEvent;
};

/** Kind, namespace and name of the object that a call is about. */
export function objectOf(call: Call): string {
  const { namespace, name } = call.do === "create" ? { ...call, name: call.object.metadata.name } : call.seen;
  return `${call.resource.kind} ${namespace}/${name}`;
}
