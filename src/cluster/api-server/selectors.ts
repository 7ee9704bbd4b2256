import type { KubernetesObject } from "../../api/core.ts";
import { ownValue, valueAt } from "./json.ts";
import { badRequest } from "./refusal.ts";

export type Matcher = (object: KubernetesObject) => boolean;

type Labels = Readonly<Record<string, string>>;

/** What one label must be; `holds` gets its value, undefined for an object without it. */
interface Requirement {
  readonly key: string;
  readonly holds: (value: string | undefined) => boolean;
}

/** Reads a label selector (`app=web,tier in (a,b),!old`). Throws a 400 refusal in the server's words. */
export function parseLabelSelector(text: string): (labels: Labels) => boolean {
  const requirements = new LabelSelectorParser(text).parse();
  return (labels) => requirements.every(({ key, holds }) => holds(ownValue(labels, key)));
}

class LabelSelectorParser {
  readonly #tokens: readonly string[];
  #next = 0;

  constructor(text: string) {
    this.#tokens = text.match(/!=|==|=|>|<|!|,|\(|\)|[^\s=!<>,()]+/g) ?? [];
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = [];
    if (this.#tokens.length === 0) return requirements;
    for (;;) {
      requirements.push(this.#requirement());
      const separator = this.#take();
      if (separator === "") return requirements;
      if (separator !== ",") throw badRequest(`found '${separator}', expected: ',' or 'end of string'`);
      const following = this.#peek();
      if (following === "" || following === ",") {
        throw badRequest(`found '${following}', expected: identifier after ','`);
      }
    }
  }

  #requirement(): Requirement {
    const negated = this.#peek() === "!";
    if (negated) this.#take();
    const key = this.#take();
    if (!isWord(key)) throw badRequest(`unable to parse requirement: found '${key}', expected: identifier`);
    return { key, holds: negated ? (value) => value === undefined : this.#condition() };
  }

  #condition(): Requirement["holds"] {
    const operator = this.#peek();
    if (operator === "" || operator === ",") return (value) => value !== undefined;
    this.#take();
    switch (operator) {
      case "=":
      case "==": {
        const wanted = this.#value();
        return (value) => value === wanted;
      }
      case "!=": {
        const unwanted = this.#value();
        return (value) => value !== unwanted;
      }
      case "in": {
        const values = this.#values();
        return (value) => value !== undefined && values.has(value);
      }
      case "notin": {
        const values = this.#values();
        return (value) => value === undefined || !values.has(value);
      }
      case ">":
      case "<": {
        const bound = Number(this.#value());
        if (!Number.isInteger(bound)) {
          throw badRequest(
            "unable to parse requirement: values: for 'Gt', 'Lt' operators, the value must be an integer",
          );
        }
        const isGreater = operator === ">";
        return (value) => {
          const number = value === undefined ? Number.NaN : Number(value);
          return isGreater ? number > bound : number < bound;
        };
      }
      default:
        throw badRequest(
          `unable to parse requirement: found '${operator}', expected: in, notin, =, ==, !=, gt, lt`,
        );
    }
  }

  #value(): string {
    const value = this.#peek();
    if (value === "" || value === ",") return "";
    if (!isWord(value))
      throw badRequest(`unable to parse requirement: found '${value}', expected: identifier`);
    return this.#take();
  }

  #values(): ReadonlySet<string> {
    const open = this.#take();
    if (open !== "(") throw badRequest(`unable to parse requirement: found '${open}' expected: '('`);
    const values = new Set<string>();
    for (;;) {
      values.add(isWord(this.#peek()) ? this.#take() : "");
      const token = this.#take();
      if (token === ")") return values;
      if (token !== ",") {
        throw badRequest(`unable to parse requirement: found '${token}', expected: ',' or ')'`);
      }
    }
  }

  #peek(): string {
    return this.#tokens[this.#next] ?? "";
  }

  #take(): string {
    const token = this.#peek();
    this.#next += 1;
    return token;
  }
}

function isWord(token: string): boolean {
  return /^[^=!<>,()]+$/.test(token);
}

/** What a field selector may name, for one kind. */
export interface SelectableFields {
  /** Beside `metadata.name` and `metadata.namespace`: name in the selector to path in the object. */
  readonly paths: Readonly<Record<string, readonly string[]>>;
  /** Whether the kind has a list of its own, which decides the server's words for other fields. */
  readonly own: boolean;
}

/** Reads a field selector (`metadata.name=x,status.phase!=Running`). Throws a 400 refusal in the server's words. */
export function parseFieldSelector(text: string, selectable: SelectableFields): Matcher {
  const terms = fieldTermsOf(text).map((term) => fieldMatcher(term, selectable));
  return (object) => terms.every((term) => term(object));
}

/** The one name that a field selector lets through; undefined when it lets through several, or is none. */
export function selectedName(text: string): string | undefined {
  const isWellFormed = text.split(termEnd).every((term) => term === "" || fieldTerm.test(term));
  if (!isWellFormed) return undefined;
  return fieldTermsOf(text).find(({ field, negated }) => field === "metadata.name" && !negated)?.wanted;
}

interface FieldTerm {
  readonly field: string;
  readonly wanted: string;
  readonly negated: boolean;
}

const termEnd = /(?<!\\),/;
const fieldTerm = /^([^=!]+)(!=|==|=)(.*)$/s;

function fieldTermsOf(text: string): FieldTerm[] {
  return text
    .split(termEnd)
    .filter((term) => term !== "")
    .map((term) => {
      const match = fieldTerm.exec(term);
      if (match === null) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
      const [, field = "", operator, escaped = ""] = match;
      return { field, wanted: escaped.replace(/\\([\\,=])/g, "$1"), negated: operator === "!=" };
    });
}

function fieldMatcher({ field, wanted, negated }: FieldTerm, { paths, own }: SelectableFields): Matcher {
  const path =
    field === "metadata.name" || field === "metadata.namespace" ? field.split(".") : ownValue(paths, field);
  if (path === undefined) {
    throw badRequest(
      own
        ? `field label not supported: ${field}`
        : `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`,
    );
  }
  return (object) => {
    const value = valueAt(object, path);
    return (scalarText(value) === wanted) !== negated;
  };
}

function scalarText(value: unknown): string {
  return typeof value === "string"
    ? value
    : value === undefined || value === null
      ? ""
      : JSON.stringify(value);
}

/** Both selectors of a list or watch; undefined when everything is asked for. */
export function parseSelectors(
  query: Readonly<Record<string, string>>,
  selectable: SelectableFields,
): Matcher | undefined {
  const byLabels = query.labelSelector ? parseLabelSelector(query.labelSelector) : undefined;
  const byFields = query.fieldSelector ? parseFieldSelector(query.fieldSelector, selectable) : undefined;
  if (byLabels === undefined) return byFields;
  const labelsMatch: Matcher = (object) => byLabels(object.metadata.labels ?? {});
  if (byFields === undefined) return labelsMatch;
  return (object) => labelsMatch(object) && byFields(object);
}
