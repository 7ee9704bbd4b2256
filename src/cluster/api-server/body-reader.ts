import type { KubernetesObject } from "../../api/core.ts";
import { type Fields, withFields } from "./json.ts";
import { checkName, checkNamespace } from "./object-metadata.ts";
import type { WriteOptions } from "./options.ts";
import { applyPatch, type SentChange } from "./patch/patch.ts";
import { badRequest } from "./refusal.ts";
import { type BodyType, readBody, readPatched, type SentObject } from "./sent-object.ts";

type Validation = Pick<WriteOptions, "fieldValidation">;

/** Reads the bodies of writes as objects of the kind that they shall be. All throw the refusal of what is none. */
export class BodyReader {
  readonly #isServed: (apiVersion: string, kind: string) => boolean;

  /** @param isServed whether any version of the API has such a kind. */
  constructor(isServed: (apiVersion: string, kind: string) => boolean) {
    this.#isServed = isServed;
  }

  /** The body of a create. */
  object(type: BodyType, body: unknown, { fieldValidation }: Validation): SentObject {
    return readBody(type, body, fieldValidation, this.#isServed);
  }

  /**
   * An object as a client wants it, checked to be the one of this name: from the body of a PUT or POST, or what a patch makes of
   * `shown`.
   */
  change(
    type: BodyType,
    { namespace, name }: { readonly namespace: string; readonly name: string },
    { body, patchType }: SentChange,
    options: Validation,
    shown: () => KubernetesObject | Fields = () => ({}),
  ): SentObject {
    const sent =
      patchType === undefined
        ? this.object(type, body, options)
        : readPatched(
            type,
            applyPatch(type, shown(), body, patchType),
            options.fieldValidation,
            this.#isServed,
          );
    checkNamespace(sent.object, namespace);
    checkName(sent.object, name);
    return sent;
  }

  /** The body of a POST to a kind that is answered, not stored. */
  review(type: BodyType, namespace: string, body: unknown, options: Validation): SentObject {
    const { object, warnings } = this.object(type, body, options);
    if (namespace !== "") checkNamespace(object, namespace);
    const metadata = withFields(object.metadata, {
      name: object.metadata.name === "" ? undefined : object.metadata.name,
      namespace: namespace === "" ? object.metadata.namespace : namespace,
    });
    return { object: { ...object, metadata }, warnings };
  }

  /** The body of a POST to a subresource that has a kind of its own, about the object of this name. */
  subresource(
    type: BodyType,
    { namespace, name }: { readonly namespace: string; readonly name: string },
    body: unknown,
    options: Validation,
  ): SentObject {
    const sent = this.object(type, body, options);
    checkNamespace(sent.object, namespace);
    if (sent.object.metadata.name === name) return sent;
    throw badRequest(`name in URL does not match name in ${type.info.kind} object`);
  }
}
