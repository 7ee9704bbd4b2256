import { type Environment, Optional } from "@marcbachmann/cel-js";

/** A part of an expression, as the library gives it to macros. */
interface Part {
  readonly op: string;
  readonly args: readonly unknown[];
}

interface Checker {
  check(part: Part, context: unknown): unknown;
  getType(name: string): unknown;
  createError(code: string, message: string, part: Part): Error;
}

interface Evaluator {
  run(part: Part, context: unknown): unknown;
  debugType(value: unknown): {
    fieldLazy(object: unknown, key: unknown, part: Part, evaluator: Evaluator): unknown;
  };
}

/** The name under which `has` is called: the library's own takes `self.a.b`, and not `self[0].a`. */
export const hasMacro = "HAS";

/** CEL's `has(e.f)`, for any `e`. */
export function registerPresence(environment: Environment): void {
  environment.registerFunction(`${hasMacro}(ast): bool`, ({ args }: { args: readonly [Part] }) => {
    const [part] = args;
    return {
      typeCheck(checker: Checker, _macro: unknown, context: unknown) {
        if (part.op !== "." && part.op !== ".?") {
          throw checker.createError("invalid_macro_argument", "invalid argument to has() macro", part);
        }
        checker.check(part, context);
        return checker.getType("bool");
      },
      evaluate(evaluator: Evaluator, _macro: unknown, context: unknown) {
        const object = evaluator.run(part.args[0] as Part, context);
        const value = evaluator.debugType(object).fieldLazy(object, part.args[1], part, evaluator);
        return value instanceof Optional ? value.hasValue() : value !== undefined;
      },
    };
  });
}
