import { formatTime } from "../../../time/clock.ts";
import { ruleDefinitionErrors } from "../cel/schema-rules.ts";
import { type Fields, fieldsIn, fieldsOf, listOf, textOf } from "../json.ts";
import { plainRules } from "../kinds/plain.ts";
import type { ApiObject, Rules } from "../kinds/rules.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import type { Schema } from "../resource-info.ts";
import { resourceData } from "../schema-data.ts";
import { patternOf } from "../type/pattern.ts";

/** Keeps a definition until the last of its objects is gone. */
export const cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

export const definitionRules: Rules = {
  ...plainRules,
  hasGeneration: true,
  withDefaults: (definition) => {
    const spec = fieldsOf(definition.spec);
    const names = fieldsOf(spec.names);
    const kind = textOf(names.kind);
    return {
      ...definition,
      spec: {
        conversion: { strategy: "None" },
        ...spec,
        names: { singular: kind.toLowerCase(), listKind: `${kind}List`, ...names },
      },
    };
  },
  beforeCreate: (definition, { now }) => {
    const lastTransitionTime = formatTime(now);
    const storage = fieldsIn(fieldsOf(definition.spec).versions).find((version) => version.storage === true);
    return {
      ...definition,
      metadata: {
        ...definition.metadata,
        finalizers: [...(definition.metadata.finalizers ?? []), cleanupFinalizer],
      },
      status: {
        conditions: [
          {
            type: "NamesAccepted",
            status: "True",
            lastTransitionTime,
            reason: "NoConflicts",
            message: "no conflicts found",
          },
          {
            type: "Established",
            status: "True",
            lastTransitionTime,
            reason: "InitialNamesAccepted",
            message: "the initial names have been accepted",
          },
        ],
        acceptedNames: fieldsOf(definition.spec).names,
        storedVersions: storage === undefined ? null : [storage.name],
      },
    };
  },
  beforeUpdate: (definition) => {
    const spec = fieldsOf(definition.spec);
    const status = fieldsOf(definition.status);
    const storage = fieldsIn(spec.versions).find((version) => version.storage === true);
    const stored = listOf(status.storedVersions);
    return {
      ...definition,
      status: {
        ...status,
        acceptedNames: spec.names,
        storedVersions:
          storage === undefined || stored.includes(storage.name) ? stored : [...stored, storage.name],
      },
    };
  },
  validate: (definition, old) => [...definitionErrors(definition), ...changeErrors(definition, old)],
};

function definitionErrors(definition: ApiObject): FieldError[] {
  const spec = fieldsOf(definition.spec);
  const names = fieldsOf(spec.names);
  const versions = fieldsIn(spec.versions);
  const { name } = definition.metadata;
  const errors: FieldError[] = [];
  if (name !== `${textOf(names.plural)}.${textOf(spec.group)}`) {
    errors.push(fieldError.invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group'));
  }
  if (textOf(spec.group) === "") errors.push(fieldError.required("spec.group"));
  else if (!textOf(spec.group).includes(".")) {
    errors.push(fieldError.invalid("spec.group", spec.group, "should be a domain with at least one dot"));
  }
  errors.push(...groupErrors(definition));
  errors.push(...conversionErrors(fieldsOf(spec.conversion).strategy));
  if (spec.scope !== "Namespaced" && spec.scope !== "Cluster") {
    errors.push(
      textOf(spec.scope) === ""
        ? fieldError.required("spec.scope")
        : fieldError.notSupported("spec.scope", spec.scope, ["Cluster", "Namespaced"]),
    );
  }
  const storage = versions.filter((version) => version.storage === true).length;
  if (storage !== 1) {
    errors.push(
      fieldError.invalid(
        "spec.versions",
        versions,
        "must have exactly one version marked as storage version",
      ),
      ...(storage === 0
        ? [fieldError.invalid("status.storedVersions", null, "must have at least one stored version")]
        : []),
    );
  }
  for (const field of ["plural", "singular", "kind", "listKind"]) {
    if (textOf(names[field]) === "") errors.push(fieldError.required(`spec.names.${field}`));
  }
  for (const [index, version] of versions.entries()) {
    const path = versions.length === 1 ? "spec.validation" : `spec.versions[${index}].schema`;
    const schema = fieldsOf(version.schema).openAPIV3Schema as Schema | undefined;
    if (schema === undefined) {
      errors.push(fieldError.required(`spec.versions[${index}].schema.openAPIV3Schema`));
    } else {
      const at = `${path}.openAPIV3Schema`;
      const structural = structuralErrors(schema, at, "root");
      errors.push(...structural, ...(structural.length > 0 ? [] : ruleDefinitionErrors(schema, at)));
    }
  }
  return errors;
}

function conversionErrors(strategy: unknown): FieldError[] {
  const field = "spec.conversion.strategy";
  if (strategy === "None") return [];
  if (strategy !== "Webhook") return [fieldError.notSupported(field, strategy, ["None", "Webhook"])];
  const why = 'conversion by a webhook is not offered by the embedded cluster; use "None"';
  return [fieldError.forbidden(field, why)];
}

const approval = "api-approved.kubernetes.io";
const builtIn = new Set(
  resourceData.map(({ groupVersion, resource }) => `${resource}.${groupVersion.split("/")[0]}`),
);

// A definition must not take the place of what the server has itself.
function groupErrors({ metadata, spec }: ApiObject): FieldError[] {
  if (builtIn.has(metadata.name)) {
    return [fieldError.invalid("metadata.name", metadata.name, "is a resource of this server's own")];
  }
  const isProtected = /(^|\.)(k8s|kubernetes)\.io$/.test(textOf(fieldsOf(spec).group));
  if (!isProtected || textOf(metadata.annotations?.[approval]) !== "") return [];
  const why =
    `protected groups must have approval annotation "${approval}", ` +
    "see https://github.com/kubernetes/enhancements/pull/1111";
  return [fieldError.required(`metadata.annotations[${approval}]`, why)];
}

// A schema must say the type of everything, or that anything goes: otherwise nothing could be pruned.
function structuralErrors(schema: Schema, path: string, place: "root" | "field" | "item"): FieldError[] {
  const isOpen =
    schema["x-kubernetes-int-or-string"] === true || schema["x-kubernetes-preserve-unknown-fields"] === true;
  const errors: FieldError[] = [];
  if (schema.type === undefined && !isOpen) {
    const what =
      place === "root"
        ? "at the root"
        : place === "item"
          ? "for specified array items"
          : "for specified object fields";
    errors.push(fieldError.required(`${path}.type`, `must not be empty ${what}`));
  }
  if (place === "root" && schema.type !== undefined && schema.type !== "object") {
    errors.push(fieldError.invalid(`${path}.type`, schema.type, "must be object at the root"));
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    errors.push(...structuralErrors(property, `${path}.properties[${name}]`, "field"));
  }
  if (typeof schema.additionalProperties === "object") {
    errors.push(...structuralErrors(schema.additionalProperties, `${path}.additionalProperties`, "field"));
  }
  if (schema.items !== undefined) errors.push(...structuralErrors(schema.items, `${path}.items`, "item"));
  if (schema.pattern !== undefined && patternOf(schema.pattern) === undefined) {
    errors.push(fieldError.invalid(`${path}.pattern`, schema.pattern, "must be a valid regular expression"));
  }
  return errors;
}

function changeErrors(definition: ApiObject, old: ApiObject | undefined): FieldError[] {
  if (old === undefined) return [];
  const [now, before]: [Fields, Fields] = [fieldsOf(definition.spec), fieldsOf(old.spec)];
  const errors: FieldError[] = [];
  for (const field of ["group", "scope"]) {
    if (now[field] !== before[field]) {
      errors.push(fieldError.invalid(`spec.${field}`, now[field], "field is immutable"));
    }
  }
  for (const field of ["plural", "kind"]) {
    const [name, oldName] = [fieldsOf(now.names)[field], fieldsOf(before.names)[field]];
    if (name !== oldName) errors.push(fieldError.invalid(`spec.names.${field}`, name, "field is immutable"));
  }
  return errors;
}
