import { createRequire } from "node:module";
import type * as library from "yaml";

const load = createRequire(import.meta.url);

/**
 * The library for YAML, loaded when it is needed first: processes that never are sent any do without its 6 MB and 27 ms of
 * processor time.
 */
export function yaml(): typeof library {
  return load("yaml") as typeof library;
}

/** Reads JSON without the library, and else YAML. Throws what the library throws. */
export function parseJsonOrYaml(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return yaml().parse(text);
  }
}
