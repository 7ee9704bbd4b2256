import type { KubernetesObject } from "../../../api/core.ts";
import { selectorText } from "../../../api/label-selector.ts";
import { type Fields, fieldsOf, isFields, valueAt, withFields, withValueAt } from "../json.ts";
import type { Kind } from "../kind.ts";
import { notNegative } from "../kinds/field-checks.ts";
import type { ApiObject } from "../kinds/rules.ts";
import { metadataErrors, subdomainName } from "../names.ts";
import { checkUid } from "../object-metadata.ts";
import type { WriteOptions } from "../options.ts";
import type { SentChange } from "../patch/patch.ts";
import type { Written } from "../proposal.ts";
import { invalid } from "../refusal.ts";
import { type SentObject, travellingType } from "../sent-object.ts";
import type { Place, Writer } from "../writer.ts";

const scaleType = travellingType("autoscaling", "v1", "Scale");

/** The `autoscaling/v1` Scale of an object. */
export function scaleOf(kind: Kind, object: KubernetesObject): ApiObject {
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
    metadata: withFields({ name }, { namespace, uid, resourceVersion, creationTimestamp }),
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: Number(at(paths?.statusReplicas) ?? 0),
      ...(text === "" ? {} : { selector: text }),
    },
  };
}

/** Sets an object's replicas through `/scale`. */
export async function writeScale(
  writer: Writer,
  place: Place,
  change: SentChange,
  options: WriteOptions,
): Promise<Written> {
  const { kind, name } = place;
  const { scale: paths } = kind;
  if (paths === undefined) throw new Error(`${kind.info.plural} has no scale`);
  const read = (shown: () => ApiObject): SentObject =>
    writer.bodies.change(scaleType, place, change, options, shown);
  // A whole Scale is read before anybody looks for what it scales.
  const whole = change.patchType === undefined ? read(() => ({}) as ApiObject) : undefined;
  const toScaled = (old: ApiObject): SentObject => {
    const { object: scale, warnings } = whole ?? read(() => scaleOf(kind, old));
    checkUid(kind, old, scale);
    const replicas = fieldsOf(scale.spec).replicas ?? 0;
    const errors = [
      ...metadataErrors(scale.metadata as unknown as Fields, subdomainName),
      ...notNegative(replicas, "spec.replicas"),
    ];
    if (errors.length > 0) throw invalid(scaleType.info, name, errors);
    const resourceVersion = scale.metadata.resourceVersion ?? old.metadata.resourceVersion;
    const changed = withValueAt(old, paths.specReplicas, replicas) as ApiObject;
    return { object: { ...changed, metadata: withFields(changed.metadata, { resourceVersion }) }, warnings };
  };
  const written = await writer.change(place, toScaled, options, "scale");
  return { ...written, object: scaleOf(kind, written.object) };
}
