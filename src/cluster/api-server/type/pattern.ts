import { setFlagsFromString } from "node:v8";

// Kubernetes matches in linear time, so definitions carry patterns that would keep a backtracking engine busy for years. With
// this the engine turns to its linear one when a match takes too long.
setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");

const compiled = new Map<string, RegExp | undefined>();

/** The regular expression that a schema's `pattern` means; undefined when it means none that Kubernetes would take. */
export function patternOf(text: string): RegExp | undefined {
  if (!compiled.has(text)) compiled.set(text, compile(text));
  return compiled.get(text);
}

/**
 * What Go's engine does not have: looking around, references to what a group has matched, more than 1,000 repeats. JavaScript's
 * linear engine has none of them either, so that such a pattern could keep the server busy for years.
 */
const unsupported = /\\(?:.)|\[(?:[^\]\\]|\\.)*\]|\(\?<?[=!]|\{(\d+),?(\d*)\}/gs;
const mostRepeats = 1000;

function isUnsupported(text: string): boolean {
  for (const [part, least = "", most = ""] of text.matchAll(unsupported)) {
    if (part.startsWith("(?") || /^\\(?:[1-9]|k)/.test(part)) return true;
    if (part.startsWith("{") && Math.max(Number(least), Number(most)) > mostRepeats) return true;
  }
  return false;
}

function compile(text: string): RegExp | undefined {
  if (isUnsupported(text)) return undefined;
  // Go writes flags for the whole pattern in front of it, JavaScript around it.
  const portable = text.replace(/^(\^?)\(\?([ims]+)\)(.*)$/s, "(?$2:$1$3)");
  try {
    return new RegExp(portable);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
