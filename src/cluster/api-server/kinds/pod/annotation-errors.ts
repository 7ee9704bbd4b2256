import { type Fields, fieldsIn, fieldsOf, textOf } from "../../json.ts";
import { annotationErrors } from "../../names.ts";
import { type FieldError, fieldError } from "../../refusal.ts";

const mirror = "kubernetes.io/config.mirror";
const deletionCost = "controller.kubernetes.io/pod-deletion-cost";
const podSeccomp = "seccomp.security.alpha.kubernetes.io/pod";
const containerSeccomp = "container.seccomp.security.alpha.kubernetes.io/";
const containerAppArmor = "container.apparmor.security.beta.kubernetes.io/";

const largestCost = 2 ** 31;
const seccompProfile = /^(unconfined|runtime\/default|docker\/default|localhost\/.*)$/;
const appArmorProfile = /^(|unconfined|runtime\/default|localhost\/.*)$/;

/** Errors of a pod template's annotations. */
export function templateAnnotationErrors(template: Fields, path: string): FieldError[] {
  const annotations = fieldsOf(template.metadata).annotations;
  return [
    ...annotationErrors(annotations, path),
    ...podAnnotationErrors(fieldsOf(annotations), fieldsOf(template.spec), path),
  ];
}

/** Errors of annotations that say something about how a pod is to be treated. */
export function podAnnotationErrors(annotations: Fields, spec: Fields, path: string): FieldError[] {
  const all = [...fieldsIn(spec.containers), ...fieldsIn(spec.initContainers)];
  const containers = new Set(all.map(({ name }) => name));
  return Object.entries(annotations).flatMap(([key, value]) => {
    const text = textOf(value);
    const field = `${path}[${key}]`;
    if (key === mirror && textOf(spec.nodeName) === "")
      return [fieldError.invalid(field, text, "must set spec.nodeName if mirror pod annotation is set")];
    if (key === deletionCost && !isWholeNumber(text))
      return [fieldError.invalid(field, text, "must be a 32bit integer")];
    if ((key === podSeccomp || key.startsWith(containerSeccomp)) && !seccompProfile.test(text))
      return [fieldError.invalid(`${path}.${key}`, text, "must be a valid seccomp profile")];
    if (!key.startsWith(containerAppArmor)) return [];
    const container = key.slice(containerAppArmor.length);
    if (!containers.has(container)) return [fieldError.invalid(field, container, "container not found")];
    return appArmorProfile.test(text)
      ? []
      : [fieldError.invalid(field, text, `invalid AppArmor profile name: ${JSON.stringify(text)}`)];
  });
}

function isWholeNumber(text: string): boolean {
  return /^(0|-?[1-9][0-9]*)$/.test(text) && Number(text) >= -largestCost && Number(text) < largestCost;
}
