import type { Tags } from "yaml";
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
 * Reads one YAML document as Kubernetes does.
 * @throws Error for text that is no YAML, names a key twice or holds more than one document.
 */
export function parseYaml(text: string): unknown {
  return yaml().parse(text, { version: "1.1", customTags, maxAliasCount: 100 });
}

/** Writes an answer as YAML that YAML 1.1 readers understand alike. */
export function writeYaml(value: unknown): string {
  return yaml().stringify(value, { version: "1.1", aliasDuplicateObjects: false, lineWidth: 0 });
}
