import type { KubernetesObject } from "../../api/core.ts";
import { selectorText } from "../../api/label-selector.ts";
import { type Clock, formatTime } from "../../time/clock.ts";
import {
  type Fields,
  fieldsIn,
  fieldsOf,
  isFields,
  textOf,
  valueAt,
  withFields,
  withValueAt,
} from "./json.ts";
import type { Kind } from "./kind.ts";
import { notNegative } from "./kinds/field-checks.ts";
import type { ApiObject } from "./kinds/rules.ts";
import { deletionOptions, type WriteOptions } from "./options.ts";
import { applyPatch } from "./patch/patch.ts";
import { badRequest, conflict, invalid } from "./refusal.ts";
import { shapeOf } from "./shape.ts";
import type { Place, Writer } from "./writer.ts";

/** The `autoscaling/v1` Scale of an object. */
export function scaleOf(kind: Kind, object: KubernetesObject): Fields {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const paths = kind.scale;
  const at = (path: readonly string[] | undefined): unknown =>
    path === undefined ? undefined : valueAt(object, path);
  const selector = at(paths?.selector);
  const replicas = Number(at(paths?.specReplicas) ?? 0);
  const text = typeof selector === "string" ? selector : isFields(selector) ? selectorText(selector) : "";
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: withFields({}, { name, namespace, uid, resourceVersion, creationTimestamp }),
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: Number(at(paths?.statusReplicas) ?? 0),
      ...(text === "" ? {} : { selector: text }),
    },
  };
}

const scaleShape = shapeOf("io.k8s.api.autoscaling.v1.Scale");

/** Sets an object's replicas through `/scale`. `contentType` is there for a patch. Returns the new Scale. */
export function writeScale(
  writer: Writer,
  kind: Kind,
  old: ApiObject,
  body: unknown,
  contentType: string | undefined,
  options: WriteOptions,
): Fields {
  if (kind.scale === undefined) throw new Error(`${kind.info.plural} has no scale`);
  const { name } = old.metadata;
  const scale =
    contentType === undefined
      ? fieldsOf(body)
      : applyPatch({ shape: scaleShape }, scaleOf(kind, old), body, contentType);
  const metadata = fieldsOf(scale.metadata);
  if (metadata.name !== undefined && metadata.name !== name) {
    throw badRequest(
      `the name of the object (${textOf(metadata.name)}) does not match the name on the URL (${name})`,
    );
  }
  const replicas = fieldsOf(scale.spec).replicas ?? 0;
  const errors = notNegative(replicas, "spec.replicas");
  if (errors.length > 0) throw invalid({ group: "autoscaling", kind: "Scale" }, name, errors);
  const resourceVersion = metadata.resourceVersion ?? old.metadata.resourceVersion;
  const changed = withValueAt(old, kind.scale.specReplicas, replicas) as ApiObject;
  const next = { ...changed, metadata: withFields(changed.metadata, { resourceVersion }) };
  return scaleOf(kind, writer.replace(kind, old, next, options, true));
}

/** Puts a pod on a node: the `binding` subresource. */
export function bindPod(
  writer: Writer,
  kind: Kind,
  pod: ApiObject,
  body: unknown,
  clock: Clock,
  options: WriteOptions,
): void {
  const { name } = pod.metadata;
  const bound = textOf(fieldsOf(pod.spec).nodeName);
  const bindings = { group: "", plural: "pods/binding" };
  if (bound !== "") throw conflict(bindings, name, `pod ${name} is already assigned to node "${bound}"`);
  if (pod.metadata.deletionTimestamp !== undefined) {
    throw conflict(bindings, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  }
  const nodeName = textOf(fieldsOf(fieldsOf(body).target).name);
  if (nodeName === "") throw badRequest("target.name is required");
  const status = fieldsOf(pod.status);
  const scheduled = {
    type: "PodScheduled",
    status: "True",
    lastProbeTime: null,
    lastTransitionTime: formatTime(clock.now()),
  };
  const others = fieldsIn(status.conditions).filter((condition) => condition.type !== scheduled.type);
  writer.replace(
    kind,
    pod,
    {
      ...pod,
      spec: { ...fieldsOf(pod.spec), nodeName },
      status: { ...status, conditions: [...others, scheduled] },
    },
    options,
    false,
  );
}

/** Deletes a pod as a drain does. There are no disruption budgets to ask. */
export function evictPod(
  writer: Writer,
  place: Place,
  body: unknown,
  query: Readonly<Record<string, string>>,
): void {
  writer.delete(place, deletionOptions(fieldsOf(body).deleteOptions, query));
}

/** Takes away a namespace's hold on itself: the `finalize` subresource. */
export function finalizeNamespace(
  writer: Writer,
  kind: Kind,
  old: ApiObject,
  body: unknown,
  options: WriteOptions,
): KubernetesObject {
  const finalizers = fieldsOf(fieldsOf(body).spec).finalizers;
  const hasAny = Array.isArray(finalizers) && finalizers.length > 0;
  const spec = withFields(fieldsOf(old.spec), { finalizers: hasAny ? finalizers : undefined });
  return writer.replace(kind, old, { ...old, spec }, options, false);
}
