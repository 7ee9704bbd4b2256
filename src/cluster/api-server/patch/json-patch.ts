import { equalJson } from "../../../api/equal-json.ts";
import { type Fields, isDeeperThan, isFields } from "../json.ts";
import { closed, type OpenContainer, opened } from "./open-document.ts";

/** An operation of a JSON patch that cannot be done. */
export class PatchFailed extends Error {
  constructor(message: string) {
    super(message);
    this.name = "PatchFailed";
  }
}

// A handful of copies of copies would fill the memory.
const copyLimitCharacters = 3 * 1024 * 1024;

/**
 * Applies a JSON patch (RFC 6902) and returns the new value; `document` and what it does not change are shared, and left as
 * they are. Costs one look at the document and one step for each operation, however large the lists are. Throws `PatchFailed`.
 */
export function applyJsonPatch(document: unknown, operations: readonly unknown[]): unknown {
  const patch = new JsonPatch(document);
  for (const operation of operations) patch.apply(operation);
  return patch.result();
}

class JsonPatch {
  #root: unknown;
  #charactersLeft = copyLimitCharacters;

  constructor(document: unknown) {
    this.#root = document;
  }

  result(): unknown {
    return closed(this.#root);
  }

  apply(operation: unknown): void {
    if (!isFields(operation)) throw new PatchFailed("an operation is not an object");
    const path = pointer(operation.path);
    switch (operation.op) {
      case "add":
        return this.#add(path, valueOf(operation));
      case "remove":
        this.#take(path);
        return;
      case "replace":
        return this.#replace(path, valueOf(operation));
      case "move":
        return this.#move(pointer(operation.from), path);
      case "copy":
        return this.#add(path, this.#copyOf(pointer(operation.from)));
      case "test":
        if (equalJson(closed(this.#read(path)), valueOf(operation))) return;
        throw new PatchFailed(`testing value ${String(operation.path)} failed`);
      default:
        throw new PatchFailed(`unexpected kind of operation: ${String(operation.op)}`);
    }
  }

  #read(path: readonly string[]): unknown {
    const place = this.#placeOf(path);
    return place === undefined ? this.#root : existing(place, path);
  }

  #add(path: readonly string[], value: unknown): void {
    const place = this.#placeOf(path);
    if (place === undefined) this.#root = value;
    else if (!place.in.add(place.key, value)) throw missing(path);
  }

  #replace(path: readonly string[], value: unknown): void {
    const place = this.#placeOf(path);
    if (place === undefined) {
      this.#root = value;
      return;
    }
    existing(place, path);
    place.in.set(place.key, value);
  }

  #take(path: readonly string[]): unknown {
    const place = this.#placeOf(path);
    if (place === undefined) throw new PatchFailed("the whole document cannot be removed");
    const value = existing(place, path);
    place.in.remove(place.key);
    return value;
  }

  #move(from: readonly string[], path: readonly string[]): void {
    const isInside = from.length < path.length && from.every((key, index) => key === path[index]);
    if (isInside) throw new PatchFailed("nothing can be moved into itself");
    if (from.length === path.length && from.every((key, index) => key === path[index])) this.#read(from);
    else this.#add(path, this.#take(from));
  }

  #copyOf(path: readonly string[]): unknown {
    const value = closed(this.#read(path));
    if (isDeeperThan(value)) throw new PatchFailed("the patch copies what is nested too deeply");
    this.#charactersLeft -= JSON.stringify(value).length;
    if (this.#charactersLeft < 0) throw new PatchFailed("the patch copies too much");
    return value;
  }

  /** Where a value is; undefined for the whole document. The way there is opened. */
  #placeOf(path: readonly string[]): Place | undefined {
    const key = path.at(-1);
    if (key === undefined) return undefined;
    let container = opened(this.#root);
    if (container === undefined) throw missing(path);
    this.#root = container;
    for (const step of path.slice(0, -1)) {
      const inner = opened(container.get(step));
      if (inner === undefined) throw missing(path);
      container.set(step, inner);
      container = inner;
    }
    return { in: container, key };
  }
}

interface Place {
  readonly in: OpenContainer;
  readonly key: string;
}

function existing(place: Place, path: readonly string[]): unknown {
  const value = place.in.get(place.key);
  if (value === undefined) throw missing(path);
  return value;
}

function valueOf(operation: Fields): unknown {
  if (operation.value === undefined) throw new PatchFailed(`operation ${String(operation.op)} has no value`);
  return operation.value;
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

function missing(path: readonly string[]): PatchFailed {
  return new PatchFailed(`missing path: /${path.join("/")}`);
}
