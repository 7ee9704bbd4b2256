import { apiVersionOf } from "../../../api/resources.ts";
import { brokenRules, hasRules } from "../cel/schema-rules.ts";
import { type Fields, fieldsIn, fieldsOf, listOf, textOf } from "../json.ts";
import { type Kind, remembered, type ScalePaths } from "../kind.ts";
import { plainRules } from "../kinds/plain.ts";
import type { ApiObject, Rules } from "../kinds/rules.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import type { Column, ResourceInfo, Schema, Subresource, Verb } from "../resource-info.ts";
import { customKindType } from "../type/custom-type.ts";
import { decode } from "../type/decode.ts";
import { withDefaults } from "../type/defaulting.ts";
import type { ObjectType } from "../type/structural-type.ts";
import { typeErrors } from "../type/validation.ts";

const verbs: readonly Verb[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];
const subresourceVerbs: readonly Verb[] = ["get", "patch", "update"];

/** The kinds that a CustomResourceDefinition brings: one for each served version. */
export function customKinds(definition: ApiObject): Kind[] {
  const spec = fieldsOf(definition.spec);
  const versions = fieldsIn(spec.versions);
  const storage = versions.find((version) => version.storage === true) ?? {};
  return versions
    .filter((version) => version.served === true)
    .map((version) => customKind(spec, version, textOf(storage.name)));
}

function customKind(spec: Fields, version: Fields, storageVersion: string): Kind {
  const names = fieldsOf(spec.names);
  const [group, kind] = [textOf(spec.group), textOf(names.kind)];
  const { status, scale } = fieldsOf(version.subresources);
  const schema = fieldsOf(version.schema).openAPIV3Schema as Schema | undefined;
  const info: ResourceInfo = {
    group,
    version: textOf(version.name),
    plural: textOf(names.plural),
    kind,
    namespaced: spec.scope === "Namespaced",
    singular: textOf(names.singular),
    listKind: textOf(names.listKind),
    shortNames: listOf(names.shortNames).map(textOf),
    categories: listOf(names.categories).map(textOf),
    verbs,
    subresources: [
      ...(status === undefined ? [] : [{ name: "status", kind, verbs: subresourceVerbs }]),
      ...(scale === undefined ? [] : [scaleSubresource]),
    ],
    columns: columnsOf(version),
    schema,
    custom: true,
  };
  // A version without a schema keeps what it is sent.
  const typeOf = (): ObjectType => customKindType(schema ?? keepsAll);
  const apiVersion = apiVersionOf(info);
  const storedAs = apiVersionOf({ ...info, version: storageVersion });
  return {
    info,
    collection: `${info.plural}.${group}`,
    rules: rulesOf(typeOf, schema ?? keepsAll, version),
    get type() {
      return typeOf();
    },
    scale: scale === undefined ? undefined : scalePaths(fieldsOf(scale)),
    read: (sent, unknown) =>
      ({ ...fieldsOf(decode(typeOf(), sent, unknown)), apiVersion: storedAs, kind }) as unknown as ApiObject,
    show: apiVersion === storedAs ? (stored) => stored : remembered((stored) => ({ ...stored, apiVersion })),
  };
}

const scaleSubresource: Subresource = {
  name: "scale",
  group: "autoscaling",
  version: "v1",
  kind: "Scale",
  verbs: subresourceVerbs,
};

const keepsAll: Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

/** Errors after which rules in CEL could not be judged: the object is not what their types say. */
const preventsRules = new Set([
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
]);

const rulesNotChecked = fieldError.invalid(
  "<nil>",
  null,
  "some validation rules were not checked because the object was invalid; " +
    "correct the existing errors to complete validation",
);

/** @param typeOf makes the type when it is needed first: most definitions of a large installation have no objects. */
function rulesOf(typeOf: () => ObjectType, schema: Schema, version: Fields): Rules {
  const validate = (object: ApiObject, old?: ApiObject): FieldError[] => {
    const type = typeOf();
    let errors = typeErrors(object, type);
    if (!hasRules(schema) && (errors.length === 0 || old === undefined)) return errors;
    // What was there before, as it would be read today.
    const before = old === undefined ? undefined : withDefaults(decode(type, old), type);
    if (errors.length > 0 && old !== undefined) errors = typeErrors(object, type, "", before);
    if (!hasRules(schema)) return errors;
    return errors.some(({ reason }) => preventsRules.has(reason))
      ? [...errors, rulesNotChecked]
      : [...errors, ...brokenRules(schema, object, before)];
  };
  const selectable = fieldsIn(version.selectableFields).map(({ jsonPath }) => pathOf(textOf(jsonPath)));
  return {
    ...plainRules,
    hasGeneration: true,
    needsVersionOnUpdate: true,
    selectable: { own: true, paths: Object.fromEntries(selectable.map((path) => [path.join("."), path])) },
    withDefaults: (object) => withDefaults(object, typeOf()) as ApiObject,
    validate,
    validateStatus: validate,
  };
}

function columnsOf(version: Fields): Column[] {
  const name: Column = { name: "Name", type: "string", format: "name", priority: 0 };
  if (version.additionalPrinterColumns === undefined) {
    return [name, { name: "Age", type: "date", priority: 0, jsonPath: ".metadata.creationTimestamp" }];
  }
  const further = fieldsIn(version.additionalPrinterColumns).map(
    (column): Column => ({
      name: textOf(column.name),
      type: textOf(column.type),
      ...(column.format === undefined ? {} : { format: textOf(column.format) }),
      ...(column.description === undefined ? {} : { description: textOf(column.description) }),
      priority: typeof column.priority === "number" ? column.priority : 0,
      jsonPath: textOf(column.jsonPath),
    }),
  );
  return [name, ...further];
}

function scalePaths(scale: Fields): ScalePaths {
  const selector = textOf(scale.labelSelectorPath);
  return {
    specReplicas: pathOf(textOf(scale.specReplicasPath)),
    statusReplicas: pathOf(textOf(scale.statusReplicasPath)),
    selector: selector === "" ? undefined : pathOf(selector),
  };
}

// `.spec.replicas`, as definitions write it.
function pathOf(text: string): string[] {
  return text.split(".").filter((part) => part !== "");
}
