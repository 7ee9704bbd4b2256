type Step =
  | { readonly is: "field"; readonly name: string }
  | { readonly is: "index"; readonly index: number }
  | { readonly is: "all" }
  | {
      readonly is: "filter";
      readonly path: JsonPath;
      readonly operator: string | undefined;
      readonly value: unknown;
    };

/** A parsed path into an object. */
export type JsonPath = readonly Step[];

/**
 * Reads the JSONPath of a printer column: `.spec.replicas`, `.metadata.labels.app\.kubernetes\.io/name`, `['a key']`,
 * `[0]`, `[-1]`, `[*]`, `[?(@.type=="Ready")]`. Undefined for anything else.
 */
export function parseJsonPath(text: string): JsonPath | undefined {
  const steps: Step[] = [];
  let rest = text.trim();
  if (rest.startsWith("$") || rest.startsWith("@")) rest = rest.slice(1);
  while (rest !== "") {
    const [step, length] = readStep(rest) ?? [];
    if (step === undefined || length === undefined) return undefined;
    steps.push(step);
    rest = rest.slice(length);
  }
  return steps;
}

function readStep(text: string): readonly [Step, number] | undefined {
  const field = /^\.((?:\\.|[^.[\]\\*])+)/.exec(text);
  if (field?.[1] !== undefined)
    return [{ is: "field", name: field[1].replace(/\\(.)/g, "$1") }, field[0].length];
  const all = /^(?:\.\*|\[\*\])/.exec(text);
  if (all !== null) return [{ is: "all" }, all[0].length];
  const index = /^\[(-?\d+)\]/.exec(text);
  if (index !== null) return [{ is: "index", index: Number(index[1]) }, index[0].length];
  const quoted = /^\[(['"])((?:\\.|(?!\1)[^\\])*)\1\]/.exec(text);
  if (quoted?.[2] !== undefined)
    return [{ is: "field", name: quoted[2].replace(/\\(.)/g, "$1") }, quoted[0].length];
  return readFilter(text);
}

function readFilter(text: string): readonly [Step, number] | undefined {
  const whole =
    /^\[\?\(\s*(@(?:"[^"]*"|'[^']*'|[^"'=!<>)])*?)\s*(?:(==|!=|<=|>=|<|>)\s*("[^"]*"|'[^']*'|[^)\s]+)\s*)?\)\]/.exec(
      text,
    );
  if (whole?.[1] === undefined) return undefined;
  const path = parseJsonPath(whole[1]);
  if (path === undefined) return undefined;
  const literal = whole[3];
  if (literal === undefined)
    return [{ is: "filter", path, operator: undefined, value: undefined }, whole[0].length];
  const value = readLiteral(literal);
  return value === undefined
    ? undefined
    : [{ is: "filter", path, operator: whole[2], value }, whole[0].length];
}

function readLiteral(text: string): unknown {
  if (/^["']/.test(text)) return text.slice(1, -1);
  if (text === "true" || text === "false") return text === "true";
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : undefined;
}

/** Every value that the path leads to, in order; none when the object has no such part. */
export function valuesAt(path: JsonPath, root: unknown): readonly unknown[] {
  return path.reduce<readonly unknown[]>(
    (values, step) => values.flatMap((value) => follow(step, value)),
    [root],
  );
}

function follow(step: Step, value: unknown): readonly unknown[] {
  if (typeof value !== "object" || value === null) return [];
  const members: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  switch (step.is) {
    case "all":
      return members;
    case "field": {
      const found = Object.getOwnPropertyDescriptor(value, step.name);
      return found === undefined || Array.isArray(value) ? [] : [found.value];
    }
    case "index":
      return Array.isArray(value) && value.at(step.index) !== undefined ? [value.at(step.index)] : [];
    case "filter":
      return members.filter((member) =>
        valuesAt(step.path, member).some((found) => holds(found, step.operator, step.value)),
      );
  }
}

function holds(found: unknown, operator: string | undefined, value: unknown): boolean {
  if (operator === undefined) return true;
  if (operator === "==") return found === value;
  if (operator === "!=") return found !== value;
  const bothNumbers = typeof found === "number" && typeof value === "number";
  const bothTexts = typeof found === "string" && typeof value === "string";
  if (!bothNumbers && !bothTexts) return false;
  if (operator === "<") return found < value;
  if (operator === "<=") return found <= value;
  return operator === ">" ? found > value : found >= value;
}
