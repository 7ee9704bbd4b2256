import { equalJson, type Fields, isFields } from "../json.ts";

/** An operation of a JSON patch that cannot be done. */
export class PatchFailed extends Error {
  constructor(message: string) {
    super(message);
    this.name = "PatchFailed";
  }
}

// A handful of copies of copies would fill the memory.
const copyLimitCharacters = 3 * 1024 * 1024;

/** Applies a JSON patch (RFC 6902) and returns the new value; `document` is left as it is. Throws `PatchFailed`. */
export function applyJsonPatch(document: unknown, operations: readonly unknown[]): unknown {
  const copies = { charactersLeft: copyLimitCharacters };
  return operations.reduce<unknown>(
    (result, operation) => applyOperation(result, operation, copies),
    document,
  );
}

function applyOperation(document: unknown, operation: unknown, copies: { charactersLeft: number }): unknown {
  if (!isFields(operation)) throw new PatchFailed("an operation is not an object");
  const path = pointer(operation.path);
  switch (operation.op) {
    case "add":
      return add(document, path, valueOf(operation));
    case "remove":
      return remove(document, path);
    case "replace":
      read(document, path);
      return add(remove(document, path), path, valueOf(operation));
    case "move": {
      const from = pointer(operation.from);
      return add(remove(document, from), path, read(document, from));
    }
    case "copy": {
      const copied = read(document, pointer(operation.from));
      copies.charactersLeft -= JSON.stringify(copied).length;
      if (copies.charactersLeft < 0) throw new PatchFailed("the patch copies too much");
      return add(document, path, copied);
    }
    case "test":
      if (!equalJson(read(document, path), valueOf(operation))) {
        throw new PatchFailed(`testing value ${String(operation.path)} failed`);
      }
      return document;
    default:
      throw new PatchFailed(`unexpected kind of operation: ${String(operation.op)}`);
  }
}

function valueOf(operation: Fields): unknown {
  return operation.value === undefined ? null : operation.value;
}

function pointer(text: unknown): readonly string[] {
  if (typeof text !== "string" || (text !== "" && !text.startsWith("/"))) {
    throw new PatchFailed(`not a JSON pointer: ${String(text)}`);
  }
  return text
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function read(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => {
    if (Array.isArray(inner)) return inner[indexIn(inner, key, inner.length - 1)];
    if (isFields(inner) && Object.hasOwn(inner, key)) return inner[key];
    throw new PatchFailed(`missing path: /${path.join("/")}`);
  }, value);
}

function add(value: unknown, path: readonly string[], addition: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return addition;
  if (Array.isArray(value)) {
    if (rest.length === 0) return value.toSpliced(indexIn(value, key, value.length), 0, addition);
    const index = indexIn(value, key, value.length - 1);
    return value.with(index, add(value[index], rest, addition));
  }
  if (!isFields(value) || (rest.length > 0 && !Object.hasOwn(value, key))) {
    throw new PatchFailed(`missing path: /${path.join("/")}`);
  }
  return { ...value, [key]: add(value[key], rest, addition) };
}

function remove(value: unknown, path: readonly string[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return undefined;
  if (Array.isArray(value)) {
    const index = indexIn(value, key, value.length - 1);
    return rest.length === 0 ? value.toSpliced(index, 1) : value.with(index, remove(value[index], rest));
  }
  if (!isFields(value) || !Object.hasOwn(value, key)) {
    throw new PatchFailed(`missing path: /${path.join("/")}`);
  }
  if (rest.length > 0) return { ...value, [key]: remove(value[key], rest) };
  const { [key]: _removed, ...others } = value;
  return others;
}

function indexIn(list: readonly unknown[], key: string, highest: number): number {
  if (key === "-") return list.length;
  const index = /^(0|[1-9]\d*)$/.test(key) ? Number(key) : Number.NaN;
  if (!(index <= highest)) throw new PatchFailed(`no element ${key} in a list of ${list.length}`);
  return index;
}
