import { Optional } from "@marcbachmann/cel-js";
import { type FieldError, fieldError } from "../refusal.ts";
import type { Schema, ValidationRule } from "../resource-info.ts";
import { compile, type Expression, Unanswerable, Uncompilable } from "./expression.ts";
import type { ValueType, ValueTypes } from "./value-type.ts";

/** One rule of a schema, compiled. */
export interface CompiledRule {
  readonly rule: ValidationRule;
  /** Whether it compares with what was there before. */
  readonly isTransition: boolean;
  /**
   * What the value breaks. `old` is undefined where there was nothing before.
   * Both are values that expressions work with.
   */
  judge(path: string, self: unknown, old: unknown): FieldError[];
}

/** Why a rule cannot be taken: the field below the rule, the kind of error, and the words. */
export class BadRule extends Error {
  readonly errors: readonly FieldError[];

  constructor(errors: readonly FieldError[]) {
    super(errors.map(({ message }) => message).join(", "));
    this.errors = errors;
  }
}

const reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

/**
 * @param path of the rule, as `spec.validation.openAPIV3Schema.x-kubernetes-validations[0]`.
 * @param uncorrelatable path of the list around it whose elements cannot be told apart from one write to the next.
 * Throws `BadRule`.
 */
export function compileRule(
  rule: ValidationRule,
  schema: Schema,
  type: ValueType,
  types: ValueTypes,
  path: string,
  uncorrelatable: string | undefined,
): CompiledRule {
  const errors = formErrors(rule, schema, path);
  if (errors.length > 0) throw new BadRule(errors);
  const environment = types.environment.clone();
  environment.registerVariable("self", type.name);
  environment.registerVariable(
    "oldSelf",
    rule.optionalOldSelf === true ? `optional<${type.name}>` : type.name,
  );
  const source = rule.rule;
  const compiled = (field: "rule" | "messageExpression", text: string): Expression => {
    const prefix = field === "rule" ? "" : "messageExpression ";
    try {
      return compile(environment, text);
    } catch (error) {
      if (!(error instanceof Uncompilable)) throw error;
      const why = `${prefix}compilation failed: ${error.message}`;
      throw new BadRule([fieldError.invalid(`${path}.${field}`, shownRule(rule), why)]);
    }
  };
  const condition = compiled("rule", source);
  if (condition.type !== "bool" && condition.type !== "dyn") {
    const why = "cel expression must evaluate to a bool";
    throw new BadRule([fieldError.invalid(`${path}.rule`, shownRule(rule), why)]);
  }
  const isTransition = condition.names.has("oldSelf");
  if (isTransition && uncorrelatable !== undefined) {
    const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`;
    throw new BadRule([fieldError.invalid(`${path}.rule`, source, why)]);
  }
  if (!isTransition && rule.optionalOldSelf !== undefined) {
    const why = "may not be set if oldSelf is not used in rule";
    throw new BadRule([fieldError.invalid(`${path}.optionalOldSelf`, rule.optionalOldSelf, why)]);
  }
  const message =
    rule.messageExpression === undefined || rule.messageExpression === ""
      ? undefined
      : compiled("messageExpression", rule.messageExpression);
  if (message !== undefined && message.type !== "string" && message.type !== "dyn") {
    const why = "messageExpression must evaluate to a string";
    throw new BadRule([fieldError.invalid(`${path}.messageExpression`, shownRule(rule), why)]);
  }
  const isOptional = rule.optionalOldSelf === true;
  return {
    rule,
    isTransition,
    judge: (at, self, old) => {
      if (isTransition && old === undefined && !isOptional) return [];
      const oldSelf = isOptional ? (old === undefined ? Optional.none() : Optional.of(old)) : old;
      const variables = { self, oldSelf };
      const typeName = schema.type ?? "";
      try {
        const holds = condition.evaluate(variables);
        if (holds === true) return [];
        if (typeof holds !== "boolean") throw new Unanswerable("the rule is neither true nor false");
      } catch (error) {
        if (!(error instanceof Unanswerable)) throw error;
        const why = `${error.message} evaluating rule: ${fixedMessage(rule) || source}`;
        return [fieldError.invalid(at, typeName, why)];
      }
      return [
        brokenRule(rule, `${at}${rule.fieldPath ?? ""}`, typeName, messageOf(rule, message, variables)),
      ];
    },
  };
}

function brokenRule({ reason }: ValidationRule, field: string, type: string, message: string): FieldError {
  switch (reason ?? "") {
    case "FieldValueRequired":
      return fieldError.required(field, message);
    case "FieldValueForbidden":
      return fieldError.forbidden(field, message);
    case "FieldValueDuplicate":
      return fieldError.duplicate(field, type);
    default:
      return fieldError.invalid(field, type, message);
  }
}

function fixedMessage({ message = "" }: ValidationRule): string {
  return message.trim();
}

function messageOf(rule: ValidationRule, message: Expression | undefined, variables: object): string {
  if (message !== undefined) {
    try {
      const text = message.evaluate({ ...variables });
      if (typeof text === "string" && text.trim() !== "" && !text.includes("\n")) return text.trim();
    } catch (error) {
      // The message that is fixed stands for one that cannot be made.
      if (!(error instanceof Unanswerable)) throw error;
    }
  }
  return fixedMessage(rule) || `failed rule: ${rule.rule.trim().replaceAll("\n", " ")}`;
}

function formErrors(rule: ValidationRule, schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (rule.rule.trim() === "") errors.push(fieldError.required(`${path}.rule`, "rule is not specified"));
  if (rule.message !== undefined && rule.message !== "" && rule.message.trim() === "") {
    errors.push(
      fieldError.invalid(`${path}.message`, rule.message, "message must be non-empty if specified"),
    );
  }
  if (rule.message?.trim().includes("\n") === true) {
    errors.push(fieldError.invalid(`${path}.message`, rule.message, "must not contain line breaks"));
  }
  if (rule.rule.trim().includes("\n") && fixedMessage(rule) === "") {
    errors.push(
      fieldError.required(`${path}.message`, "message must be specified if rule contains line breaks"),
    );
  }
  if (rule.reason !== undefined && !reasons.includes(rule.reason)) {
    errors.push(fieldError.notSupported(`${path}.reason`, rule.reason, reasons));
  }
  if (rule.fieldPath !== undefined && rule.fieldPath !== "" && !leadsTo(rule.fieldPath, schema)) {
    errors.push(fieldError.invalid(`${path}.fieldPath`, rule.fieldPath, "must be a valid path"));
  }
  return errors;
}

/** Whether a path as `.spec.labels['a.b']` names a field of the schema. */
function leadsTo(path: string, schema: Schema): boolean {
  const parts = [...path.matchAll(/\.([^.[\]]+)|\['((?:[^'\\]|\\.)*)'\]/gy)];
  if (parts.map(([whole]) => whole).join("") !== path) return false;
  let found: Schema | undefined = schema;
  for (const [, field, quoted] of parts) {
    found = partOf(found, field ?? quoted ?? "");
    if (found === undefined) return false;
  }
  return true;
}

function partOf({ properties, additionalProperties }: Schema, field: string): Schema | undefined {
  return properties?.[field] ?? (typeof additionalProperties === "object" ? additionalProperties : undefined);
}

/** As a real server shows the rule that it refuses. */
function shownRule(rule: ValidationRule): object {
  return {
    Rule: rule.rule,
    Message: rule.message ?? "",
    MessageExpression: rule.messageExpression ?? "",
    Reason: rule.reason ?? null,
    FieldPath: rule.fieldPath ?? "",
    OptionalOldSelf: rule.optionalOldSelf ?? null,
  };
}
