import type { KubernetesObject } from "../../api/core.ts";
import { qualifiedNameProblems } from "../../api/label-rules.ts";
import { type Clock, formatTime } from "../../time/clock.ts";
import { fieldsIn, fieldsOf, listOf, textOf, withFields } from "./json.ts";
import { finalizerErrors } from "./kinds/field-checks.ts";
import type { ApiObject } from "./kinds/rules.ts";
import { checkUid, checkVersion } from "./object-metadata.ts";
import { deletionOptions, type WriteOptions } from "./options.ts";
import { conflict, fieldError, invalid, serverError } from "./refusal.ts";
import { travellingType } from "./sent-object.ts";
import type { Place, Writer } from "./writer.ts";

const bindingType = travellingType("", "v1", "Binding");
const evictionType = travellingType("policy", "v1", "Eviction");

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
  const { object: binding, warnings } = writer.readSubresource(bindingType, place, body, options);
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

/** Takes away a namespace's hold on itself: the `finalize` subresource. */
export function finalizeNamespace(
  writer: Writer,
  place: Place,
  get: () => ApiObject,
  body: unknown,
  options: WriteOptions,
): KubernetesObject {
  const { kind, name } = place;
  const { object: sent } = writer.readChange(kind, place, { body }, options);
  const old = get();
  checkUid(kind, old, sent);
  checkVersion(kind, old, sent);
  const finalizers = listOf(fieldsOf(sent.spec).finalizers).map(textOf);
  const errors = finalizers.flatMap((one, index) => {
    const field = `spec.finalizers[${index}]`;
    const problems = qualifiedNameProblems(one).map((text) => fieldError.invalid(field, one, text));
    return [...problems, ...finalizerErrors(one, field)];
  });
  if (errors.length > 0) throw invalid(kind.info, name, errors);
  const spec = withFields(fieldsOf(old.spec), {
    finalizers: finalizers.length === 0 ? undefined : finalizers,
  });
  return writer.replace(kind, old, { ...old, spec }, options);
}
