import type { Document, Tags } from "yaml";
import { yaml } from "../../../kubernetes/yaml.ts";

// Kubernetes reads YAML 1.1 (`y` and `on` are booleans), but without its base-60 numbers, dates, sets and binaries.
const unusedTags = new Set([
  "TIME",
  "tag:yaml.org,2002:timestamp",
  "tag:yaml.org,2002:set",
  "tag:yaml.org,2002:omap",
  "tag:yaml.org,2002:pairs",
  "tag:yaml.org,2002:binary",
]);
const customTags = (tags: Tags): Tags =>
  tags.filter(
    (tag) => typeof tag === "string" || !(unusedTags.has(tag.tag) || unusedTags.has(tag.format ?? "")),
  );

/**
 * The parser reads 400,000 tokens in about a second, in which nobody else is served; the time that it takes for what follows
 * grows with the square of their number. A manifest of 20,000 lines has a quarter of the tokens and none of the rest.
 */
const most = { tokens: 400_000, aliases: 100, comments: 20_000, nested: 200 };
/** What the lexer says before the text of a scalar. */
const scalarFollows = "\u001f";

/**
 * Reads one YAML document as Kubernetes does.
 * @throws Error for text that is no YAML, names a key twice or holds more than one document.
 */
export function parseYaml(text: string): unknown {
  checkTokens(text);
  const [document, second] = yaml().parseAllDocuments(text, {
    version: "1.1",
    customTags,
    // Checked below: the parser compares each key with each other one, which takes minutes for a map with many.
    uniqueKeys: false,
  }) as readonly Document[];
  if (document === undefined) return null;
  if (second !== undefined) throw new SyntaxError("more than one document");
  const [error] = document.errors;
  if (error !== undefined) throw error;
  checkKeys(document);
  return document.toJS({ maxAliasCount: 100 });
}

/** Writes an answer as YAML that YAML 1.1 readers understand alike. */
export function writeYaml(value: unknown): string {
  return yaml().stringify(value, { version: "1.1", aliasDuplicateObjects: false, lineWidth: 0 });
}

/** Refuses, before it is parsed, what the parser would need very long for. */
function checkTokens(text: string): void {
  let [tokens, aliases, comments, documents, brackets, inLine] = [0, 0, 0, 0, 0, 0];
  let isText = false;
  for (const token of new (yaml().Lexer)().lex(text)) {
    tokens += 1;
    if (token.includes("\n")) inLine = 0;
    else if (isText) {
      // A text that begins like something else.
    } else if (token === "[" || token === "{") brackets += 1;
    else if (token === "]" || token === "}") brackets -= 1;
    else if (token === "---") documents += 1;
    else if (token.startsWith("*")) aliases += 1;
    else if (token.startsWith("#")) comments += 1;
    else if (/^[-?&!]/.test(token)) inLine += 1;
    isText = token === scalarFollows;
    if (documents > 1) throw new SyntaxError("more than one document");
    if (brackets > most.nested || inLine > most.nested) throw new SyntaxError("nested too deeply");
    if (tokens > most.tokens || aliases > most.aliases || comments > most.comments)
      throw new SyntaxError(
        `more than ${most.tokens} tokens, ${most.aliases} aliases or ${most.comments} comments in YAML: send it as JSON`,
      );
  }
}

function checkKeys(document: Document): void {
  const { isScalar, visit } = yaml();
  visit(document, {
    Map(_, map) {
      const keys = new Set<unknown>();
      for (const { key } of map.items) {
        const value = isScalar(key) ? key.value : key;
        if (keys.has(value)) throw new SyntaxError(`the key ${JSON.stringify(value)} is there twice`);
        keys.add(value);
      }
    },
  });
}
