const encoded = new WeakMap<object, string>();

/** The JSON text of a stored (frozen) object, made once for the journal and all watchers. */
export function jsonOf(object: object): string {
  let text = encoded.get(object);
  if (text === undefined) {
    text = JSON.stringify(object);
    encoded.set(object, text);
  }
  return text;
}
