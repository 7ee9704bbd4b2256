import type { ObjectMeta } from "./core.ts";
import { controllerOf } from "./metadata.ts";

// What is kept of an object's metadata where thousands of objects shall fit into little memory.

type Texts = Readonly<Record<string, string>>;
export const noTexts: Texts = {};

/** The texts with these names; one shared object where there is none. */
export function only(texts: Texts = noTexts, ...names: readonly string[]): Texts {
  const kept = names.flatMap((name) => (texts[name] === undefined ? [] : [[name, texts[name]]]));
  return kept.length === 0 ? noTexts : Object.fromEntries(kept);
}

/** The controller; of an object that has none its other owners, beside whom a controller can be set. */
export function ownerOf(metadata: ObjectMeta): Pick<ObjectMeta, "ownerReferences"> {
  const owner = controllerOf({ metadata });
  const ownerReferences = owner === undefined ? metadata.ownerReferences : [owner];
  return ownerReferences === undefined ? {} : { ownerReferences };
}

/** What a write to the object has to name. */
export function identityOf({
  name,
  namespace,
  uid,
  resourceVersion,
  deletionTimestamp,
}: ObjectMeta): ObjectMeta {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
  };
}
