// Texts of large objects take as much room as the objects: only those of the last writes are kept, which watchers are told
// of about now. In two generations: when the younger one is full, it becomes the older one.
const generationCharacters = 1024 * 1024;

let younger = new Map<object, string>();
let older = new Map<object, string>();
let youngerCharacters = 0;

/** The JSON text of a stored (frozen) object, made once for the journal and all watchers that are up to date. */
export function jsonOf(object: object): string {
  const known = younger.get(object) ?? older.get(object);
  if (known !== undefined) return known;
  const text = JSON.stringify(object);
  younger.set(object, text);
  youngerCharacters += text.length;
  if (youngerCharacters > generationCharacters) {
    older = younger;
    younger = new Map();
    youngerCharacters = 0;
  }
  return text;
}
