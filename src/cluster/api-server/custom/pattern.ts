import { setFlagsFromString } from "node:v8";

// Kubernetes matches in linear time, so definitions carry patterns that would keep a backtracking engine busy for years. With
// this the engine turns to its linear one when a match takes too long.
setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");

const compiled = new Map<string, RegExp | undefined>();

/** The regular expression that a schema's `pattern` means; undefined when it means none. */
export function patternOf(text: string): RegExp | undefined {
  if (!compiled.has(text)) compiled.set(text, compile(text));
  return compiled.get(text);
}

function compile(text: string): RegExp | undefined {
  // Go writes flags for the whole pattern in front of it, JavaScript around it.
  const portable = text.replace(/^\(\?([ims]+)\)(.*)$/s, "(?$1:$2)");
  try {
    return new RegExp(portable);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
