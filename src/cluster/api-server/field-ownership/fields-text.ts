import { type Fields, isFields } from "../json.ts";
import { type FieldSet, fieldSet, inOrder, leaf } from "./field-set.ts";

/**
 * A `fieldsV1` as it is kept: its JSON text. As an object it would take several times the room, and most objects of one tool
 * have the same. Whoever makes JSON of it gets the object.
 */
export class FieldsText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
    Object.freeze(this);
  }

  toJSON(): Fields {
    const known = recall(this.text);
    if (known === undefined) return JSON.parse(this.text) as Fields;
    known.shown ??= JSON.parse(this.text) as Fields;
    return known.shown;
  }
}

interface Known {
  readonly fields: FieldsText;
  readonly set: FieldSet | undefined;
  /** The text as an object, once somebody wanted it. */
  shown?: Fields;
}

// Objects that are written are written again soon. In two generations: when the younger is full, it becomes the older one.
const generationSize = 500;
let younger = new Map<string, Known>();
let older = new Map<string, Known>();

function remember(text: string, known: Known): Known {
  younger.set(text, known);
  if (younger.size > generationSize) {
    older = younger;
    younger = new Map();
  }
  return known;
}

function recall(text: string): Known | undefined {
  const known = younger.get(text);
  if (known !== undefined) return known;
  const old = older.get(text);
  return old === undefined ? undefined : remember(text, old);
}

/** The kept form of a set. */
export function textOfSet(set: FieldSet): FieldsText {
  const text = formatted(set);
  return (recall(text) ?? remember(text, { fields: new FieldsText(text), set })).fields;
}

/** The kept form of a `fieldsV1` as clients send it or a journal holds it; undefined when it is none. */
export function textOfFields(value: unknown): FieldsText | undefined {
  if (value instanceof FieldsText) return value;
  if (!isFields(value) || !isWellFormed(value)) return undefined;
  const set = setOf(value);
  return set === undefined ? new FieldsText("{}") : textOfSet(set);
}

/** The set that a kept `fieldsV1` is; undefined for an empty one. */
export function setOfText({ text }: FieldsText): FieldSet | undefined {
  const known = recall(text);
  if (known !== undefined) return known.set;
  const set = setOf(JSON.parse(text) as Fields);
  return remember(text, { fields: new FieldsText(text), set }).set;
}

function isWellFormed(fields: Fields): boolean {
  return Object.entries(fields).every(
    ([element, inner]) => /^(\.$|[fkvi]:)/.test(element) && isFields(inner) && isWellFormed(inner),
  );
}

function setOf(fields: Fields): FieldSet | undefined {
  const children = new Map<string, FieldSet>();
  let isMember = false;
  for (const element of Object.keys(fields)) {
    if (element === ".") isMember = true;
    else children.set(element, setOf(fields[element] as Fields) ?? leaf);
  }
  return fieldSet(isMember, children);
}

function formatted(set: FieldSet): string {
  const parts: string[] = [];
  format(set, parts);
  return parts.join("");
}

function format(set: FieldSet, parts: string[]): void {
  if (set.children === undefined) {
    parts.push("{}");
    return;
  }
  let separator = set.isMember ? '{".":{},' : "{";
  for (const [element, inner] of inOrder(set)) {
    parts.push(separator, JSON.stringify(element), ":");
    format(inner, parts);
    separator = ",";
  }
  parts.push("}");
}
