// Label and annotation names of the API. Argo Rollouts' clients, dashboards and declarative tools rely on exactly these.

export const group = "argoproj.io";
export const version = "v1alpha1";

/** On ReplicaSets, their selectors and pods, and in the selector of every Service that a Rollout manages. */
export const podTemplateHashLabel = "rollouts-pod-template-hash";
/** On a Service: the Rollout that writes its selector. */
export const managedByAnnotation = "argo-rollouts.argoproj.io/managed-by-rollouts";
/** On a superseded ReplicaSet: when it is to be scaled to zero, RFC 3339. Argo writes the bare key. */
export const scaleDownDeadlineAnnotation = "scale-down-deadline";
/** On a superseded ReplicaSet whose end was put off: the deadline that it had at first, RFC 3339. */
export const scaleDownPostponedFromAnnotation = "teal.dev/scale-down-postponed-from";
/** On a superseded ReplicaSet: `"true"` when it was once the stable version, so that it may come back without its gates. */
export const wasLiveAnnotation = "teal.dev/was-live";
/** A controller started with an id handles only objects with this label and that id; one without, only objects without it. */
export const instanceIdLabel = "argo-rollouts.argoproj.io/controller-instance-id";
/** On a ReplicaSet that comes back while it is warm: the revision under which it does, so without a gate. */
export const fastRollbackAnnotation = "teal.dev/fast-rollback";
/** On a Rollout, `"true"`: superseded pods stay until somebody else scales them down. */
export const keepSupersededAnnotation = "teal.dev/keep-superseded-pods";
export const revisionAnnotation = "rollout.argoproj.io/revision";
export const revisionHistoryAnnotation = "rollout.argoproj.io/revision-history";
export const desiredReplicasAnnotation = "rollout.argoproj.io/desired-replicas";
/** On a ReplicaSet of Argo's controller: what it has put into the template's metadata, `{"labels":{…},"annotations":{…}}`. */
export const ephemeralMetadataAnnotation = "rollout.argoproj.io/ephemeral-metadata";
export const notifiedAnnotation = "notified.notifications.argoproj.io";
export const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";
/** On a ReplicaSet: identity of the template that it was made or taken over for, 16 hexadecimal digits. */
export const templateAnnotation = "teal.dev/template";

/** On every EndpointSlice of a Service: the Service's name. */
export const serviceNameLabel = "kubernetes.io/service-name";
/** Who writes an EndpointSlice. */
export const endpointSliceManagedByLabel = "endpointslice.kubernetes.io/managed-by";
/** The value of that label where Kubernetes itself lists the pods that a Service selects. */
export const kubernetesEndpointSliceController = "endpointslice-controller.k8s.io";
/** The value of that label on the embedded cluster, whose traffic process confirms each slice with the annotation below. */
export const embeddedEndpointSliceController = "endpointslice-controller.teal.dev";
/** On an EndpointSlice of the embedded cluster: the `metadata.generation` that new requests are routed by. */
export const routedGenerationAnnotation = "teal.dev/routed-generation";
/** On a pod of the embedded cluster whose ports differ from its manifest's (no address of its own): `{"5000":41007}`. */
export const portMapAnnotation = "teal.dev/port-map";

/**
 * On a Service of the embedded cluster: how many seconds after a switch connections that stay with their pod (WebSocket, protocols
 * that are no HTTP) are closed. Without it they last as long as they like.
 */
export const pinnedConnectionSecondsAnnotation = "teal.dev/pinned-connection-seconds";
/** On a pod that requests have left: how many connections have stayed with it. Kept by the traffic process. */
export const stayingConnectionsAnnotation = "teal.dev/staying-connections";

/** Whether a text is a whole number of seconds. */
export function isSeconds(text: string): boolean {
  return /^\d{1,9}$/.test(text);
}
