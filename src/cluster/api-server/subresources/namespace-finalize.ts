import type { KubernetesObject } from "../../../api/core.ts";
import { qualifiedNameProblems } from "../../../api/label-rules.ts";
import { fieldsOf, listOf, textOf, withFields } from "../json.ts";
import { finalizerErrors } from "../kinds/field-checks.ts";
import type { ApiObject } from "../kinds/rules.ts";
import { checkUid, checkVersion } from "../object-metadata.ts";
import type { WriteOptions } from "../options.ts";
import { fieldError, invalid } from "../refusal.ts";
import type { Place, Writer } from "../writer.ts";

/** Takes away a namespace's hold on itself: the `finalize` subresource. */
export function finalizeNamespace(
  writer: Writer,
  place: Place,
  get: () => ApiObject,
  body: unknown,
  options: WriteOptions,
): KubernetesObject {
  const { kind, name } = place;
  const { object: sent } = writer.bodies.change(kind, place, { body }, options);
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
