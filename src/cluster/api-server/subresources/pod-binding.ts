import { type Clock, formatTime } from "../../../time/clock.ts";
import { fieldsIn, fieldsOf, textOf } from "../json.ts";
import type { ApiObject } from "../kinds/rules.ts";
import { checkUid } from "../object-metadata.ts";
import type { WriteOptions } from "../options.ts";
import { conflict, fieldError, serverError } from "../refusal.ts";
import { travellingType } from "../sent-object.ts";
import type { Place, Writer } from "../writer.ts";

const bindingType = travellingType("", "v1", "Binding");

/** Puts a pod on a node: the `binding` subresource. Returns warnings. */
export function bindPod(
  writer: Writer,
  place: Place,
  get: () => ApiObject,
  body: unknown,
  clock: Clock,
  options: WriteOptions,
): readonly string[] {
  const { kind, name } = place;
  const { object: binding, warnings } = writer.bodies.subresource(bindingType, place, body, options);
  const target = fieldsOf(binding.target);
  const nodeName = textOf(target.name);
  const problems = [
    ...(["", "Node"].includes(textOf(target.kind))
      ? []
      : [fieldError.notSupported("target.kind", target.kind, ["Node", "<empty>"])]),
    ...(nodeName === "" ? [fieldError.required("target.name")] : []),
  ];
  if (problems.length > 0)
    throw serverError(problems.map(({ field, message }) => `${field}: ${message}`).join(", "));
  const pod = get();
  checkUid(kind, pod, binding);
  const bound = textOf(fieldsOf(pod.spec).nodeName);
  const bindings = { group: "", plural: "pods/binding" };
  if (bound !== "") throw conflict(bindings, name, `pod ${name} is already assigned to node "${bound}"`);
  if (pod.metadata.deletionTimestamp !== undefined) {
    throw conflict(bindings, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  }
  const status = fieldsOf(pod.status);
  const scheduled = {
    type: "PodScheduled",
    status: "True",
    lastProbeTime: null,
    lastTransitionTime: formatTime(clock.now()),
  };
  const others = fieldsIn(status.conditions).filter((condition) => condition.type !== scheduled.type);
  const next = {
    ...pod,
    spec: { ...fieldsOf(pod.spec), nodeName },
    status: { ...status, conditions: [...others, scheduled] },
  };
  writer.replace(kind, pod, next, options);
  return warnings;
}
