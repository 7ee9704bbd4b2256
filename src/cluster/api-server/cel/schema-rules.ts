import { equalJson } from "../../../api/equal-json.ts";
import { canonicalJson, type Fields, isFields, listOf, ownValue } from "../json.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import type { Schema } from "../resource-info.ts";
import { BudgetExceeded, withinBudget } from "./budget.ts";
import { kubernetesEnvironment } from "./environment.ts";
import { BadRule, type CompiledRule, compileRule } from "./validation-rule.ts";
import { type ValueType, ValueTypes } from "./value-type.ts";

/** All rules of one write together. Those of public definitions take microseconds. */
const mostMilliseconds = 1000;

/** The rules (`x-kubernetes-validations`) of a place in a schema, and of those within. Places without any are left out. */
interface Place {
  readonly schema: Schema;
  readonly type: ValueType | undefined;
  readonly rules: readonly CompiledRule[];
  readonly fields: ReadonlyMap<string, Place>;
  readonly further: Place | undefined;
  readonly element: Place | undefined;
}

interface Compiled {
  readonly root: Place | undefined;
  readonly errors: readonly FieldError[];
}

/** What is wrong with the rules of a schema that is at `path` of a definition. */
export function ruleDefinitionErrors(schema: Schema, path: string): readonly FieldError[] {
  return hasRules(schema) ? compileSchema(schema, path).errors : [];
}

const compiled = new WeakMap<Schema, Compiled>();

/** What an object breaks of the rules of its schema. */
export function brokenRules(schema: Schema, object: unknown, old: unknown): FieldError[] {
  if (!hasRules(schema)) return [];
  let rules = compiled.get(schema);
  if (rules === undefined) {
    rules = compileSchema(schema, "");
    compiled.set(schema, rules);
  }
  const { root } = rules;
  if (root === undefined) return [];
  const judge = new Judge();
  try {
    return withinBudget(mostMilliseconds, () => judge.errorsAt(root, "", object, old));
  } catch (error) {
    if (!(error instanceof BudgetExceeded)) throw error;
    compiled.delete(schema);
    const [at, rule] = judge.current;
    const why = `the rules of this object ${error.message}, the last one: ${rule}`;
    return [fieldError.invalid(at, "object", why)];
  }
}

const withRules = new WeakMap<Schema, boolean>();

/** Whether a schema has any. */
export function hasRules(schema: Schema): boolean {
  let has = withRules.get(schema);
  if (has === undefined) {
    has = (schema["x-kubernetes-validations"] ?? []).length > 0 || partsOf(schema).some(hasRules);
    withRules.set(schema, has);
  }
  return has;
}

function partsOf({ properties = {}, additionalProperties, items }: Schema): Schema[] {
  const further = typeof additionalProperties === "object" ? [additionalProperties] : [];
  return [...Object.values(properties), ...further, ...(items === undefined ? [] : [items])];
}

function compileSchema(schema: Schema, path: string): Compiled {
  const types = new ValueTypes(kubernetesEnvironment);
  const errors: FieldError[] = [];
  const place = (
    part: Schema,
    at: string,
    uncorrelatable: string | undefined,
    isRoot = false,
  ): Place | undefined => {
    if (!hasRules(part)) return undefined;
    const rules = part["x-kubernetes-validations"] ?? [];
    // Made where it is asked for first, so that all types are there before an environment is closed.
    const type = isRoot ? types.ofRoot(part) : types.of(part);
    const { properties = {}, additionalProperties, items } = part;
    const inList = part["x-kubernetes-list-type"] === "map" ? uncorrelatable : (uncorrelatable ?? at);
    return {
      schema: part,
      type,
      rules: rules.flatMap((rule, index) => {
        const ruleAt = `${at}.x-kubernetes-validations[${index}]`;
        try {
          if (type !== undefined) return [compileRule(rule, part, type, types, ruleAt, uncorrelatable)];
          errors.push(fieldError.invalid(ruleAt, rule.rule, "rules need a schema with a type"));
        } catch (error) {
          if (!(error instanceof BadRule)) throw error;
          errors.push(...error.errors);
        }
        return [];
      }),
      fields: new Map(
        Object.entries(properties).flatMap(([key, property]): [string, Place][] => {
          const inner = place(property, `${at}.properties[${key}]`, uncorrelatable);
          return inner === undefined ? [] : [[key, inner]];
        }),
      ),
      further:
        typeof additionalProperties === "object"
          ? place(additionalProperties, `${at}.additionalProperties`, uncorrelatable)
          : undefined,
      element: items === undefined ? undefined : place(items, `${at}.items`, inList),
    };
  };
  types.ofRoot(schema);
  declareAll(schema, types);
  return { root: place(schema, path, undefined, true), errors };
}

/** An environment takes no more types once others have been made of it. */
function declareAll(schema: Schema, types: ValueTypes): void {
  for (const part of partsOf(schema)) {
    if (!hasRules(part)) continue;
    types.of(part);
    declareAll(part, types);
  }
}

/** Judges one object. */
class Judge {
  /** Where it is, and at which rule. */
  current: readonly [path: string, rule: string] = ["", ""];
  readonly #values = new Map<unknown, unknown>();

  errorsAt(place: Place, path: string, value: unknown, old: unknown): FieldError[] {
    if (value === null || value === undefined) return [];
    const isSame = old !== undefined && old !== null && equalJson(value, old);
    const errors: FieldError[] = [];
    for (const rule of place.rules) {
      // What was let in once stays, unless the rule is about the change itself.
      if (isSame && !rule.isTransition) continue;
      this.current = [path, rule.rule.rule];
      const before =
        rule.isTransition && old !== undefined && old !== null ? this.#valueOf(place, old) : undefined;
      errors.push(...rule.judge(path, this.#valueOf(place, value), before));
    }
    if (Array.isArray(value)) errors.push(...this.#errorsOfElements(place, path, value, old));
    else if (isFields(value)) errors.push(...this.#errorsOfFields(place, path, value, old));
    return errors;
  }

  #errorsOfElements(
    { element, schema }: Place,
    path: string,
    list: readonly unknown[],
    old: unknown,
  ): FieldError[] {
    if (element === undefined) return [];
    const keys =
      schema["x-kubernetes-list-type"] === "map" ? schema["x-kubernetes-list-map-keys"] : undefined;
    const keyOf = (one: unknown): string =>
      canonicalJson((keys ?? []).map((key) => (isFields(one) ? ownValue(one, key) : undefined)));
    const before = new Map(keys === undefined ? [] : listOf(old).map((one) => [keyOf(one), one]));
    return list.flatMap((one, index) =>
      this.errorsAt(
        element,
        `${path}[${index}]`,
        one,
        keys === undefined ? undefined : before.get(keyOf(one)),
      ),
    );
  }

  #errorsOfFields({ fields, further }: Place, path: string, value: Fields, old: unknown): FieldError[] {
    const oldOf = (key: string): unknown => (isFields(old) ? ownValue(old, key) : undefined);
    const ofFields = [...fields].flatMap(([key, place]) =>
      this.errorsAt(place, path === "" ? key : `${path}.${key}`, ownValue(value, key), oldOf(key)),
    );
    if (further === undefined) return ofFields;
    const ofFurther = Object.entries(value).flatMap(([key, inner]) =>
      this.errorsAt(further, `${path}[${key}]`, inner, oldOf(key)),
    );
    return [...ofFields, ...ofFurther];
  }

  #valueOf({ type }: Place, json: unknown): unknown {
    // Made once for all rules of a place.
    if (typeof json !== "object") return type?.valueOf(json);
    if (!this.#values.has(json)) this.#values.set(json, type?.valueOf(json));
    return this.#values.get(json);
  }
}
