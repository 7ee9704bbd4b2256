/** What a name stands for; undefined for one that is not set. */
export type Lookup = (name: string) => string | undefined;

interface Reader {
  readonly text: string;
  readonly escape: string;
  at: number;
}

/**
 * Takes the words of an instruction apart as a shell would: quotes, escapes, `$NAME`, `${NAME}`, `${NAME:-word}`,
 * `${NAME-word}`, `${NAME:+word}`, `${NAME+word}`, `${NAME:?word}`.
 * @throws Error with what is wrong, in words.
 */
export function wordsOf(text: string, lookup: Lookup, escape = "\\"): readonly string[] {
  const reader: Reader = { text, escape, at: 0 };
  const words: string[] = [];
  for (;;) {
    while (/\s/.test(text[reader.at] ?? "")) reader.at += 1;
    if (reader.at >= text.length) return words;
    words.push(readWord(reader, lookup, (char) => /\s/.test(char)));
  }
}

/** As `wordsOf`, with all of `text` as one word. */
export function oneWord(text: string, lookup: Lookup, escape = "\\"): string {
  return readWord({ text, escape, at: 0 }, lookup, () => false);
}

/** Only replaces variables: quotes are as any other character. */
export function expandText(text: string, lookup: Lookup): string {
  const reader: Reader = { text, escape: "\\", at: 0 };
  const out: string[] = [];
  while (reader.at < text.length) {
    if (text[reader.at] === "\\" && text[reader.at + 1] === "$") {
      out.push("$");
      reader.at += 2;
    } else out.push(text[reader.at] === "$" ? readVariable(reader, lookup) : (text[reader.at++] ?? ""));
  }
  return out.join("");
}

function readWord(reader: Reader, lookup: Lookup, isEnd: (char: string) => boolean): string {
  const { text, escape } = reader;
  const out: string[] = [];
  let quote = "";
  while (reader.at < text.length) {
    const char = text[reader.at] ?? "";
    if (quote === "" && isEnd(char)) break;
    if (char === quote) {
      quote = "";
      reader.at += 1;
    } else if (quote === "" && (char === '"' || char === "'")) {
      quote = char;
      reader.at += 1;
    } else if (char === escape && quote !== "'" && reader.at + 1 < text.length) {
      const next = text[reader.at + 1] ?? "";
      // Within double quotes only these lose their meaning by it.
      out.push(quote === "" || next === '"' || next === "$" || next === escape ? next : `${escape}${next}`);
      reader.at += 2;
    } else if (char === "$" && quote !== "'") out.push(readVariable(reader, lookup));
    else {
      out.push(char);
      reader.at += 1;
    }
  }
  if (quote !== "") throw new Error(`a text in ${quote} has no end`);
  return out.join("");
}

function readVariable(reader: Reader, lookup: Lookup): string {
  const { text } = reader;
  const start = reader.at;
  const plain = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text.slice(start + 1, start + 257))?.[0];
  if (plain !== undefined) {
    reader.at += 1 + plain.length;
    return lookup(plain) ?? "";
  }
  if (text[start + 1] !== "{") {
    reader.at += 1;
    return "$";
  }
  const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text.slice(start + 2, start + 258))?.[0] ?? "";
  reader.at = start + 2 + name.length;
  const operator = /^(:?[-+?]|\})/.exec(text.slice(reader.at, reader.at + 2))?.[0];
  if (name === "" || operator === undefined)
    throw new Error(`${text.slice(start, start + 40)} is a form of a variable that is not known here`);
  reader.at += operator.length;
  const value = lookup(name);
  if (operator === "}") return value ?? "";
  const word = readWord(reader, lookup, (char) => char === "}");
  if (text[reader.at] !== "}") throw new Error(`\${${name} has no end`);
  reader.at += 1;
  const isSet = value !== undefined && (value !== "" || !operator.startsWith(":"));
  if (operator.endsWith("-")) return isSet ? value : word;
  if (operator.endsWith("+")) return isSet ? word : "";
  if (!isSet) throw new Error(`variable ${name} is not set: ${word}`);
  return value;
}
