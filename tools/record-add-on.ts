// Writes src/parts/bootstrap/data/NAME.json from the CustomResourceDefinitions that a project publishes, without their descriptions:
//   node tools/record-add-on.ts NAME ORIGIN FILE...
// ORIGIN says where they are from and of which version, as in "istio.io/api v1.32.0". Only projects under Apache-2.0.
import { readFileSync, writeFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";

const [name = "", origin = "", ...files] = process.argv.slice(2);

/** Whether keys are names of fields of somebody's, one of which may be `description`. */
function withoutDescriptions(value: unknown, areFields = false): unknown {
  if (Array.isArray(value)) return value.map((each) => withoutDescriptions(each));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => areFields || key !== "description");
  return Object.fromEntries(
    kept.map(([key, each]) => [key, withoutDescriptions(each, key === "properties" && !areFields)]),
  );
}

const definitions = files
  .flatMap((file) => parseAllDocuments(readFileSync(file, "utf8")))
  .map((document) => document.toJS() as unknown)
  .filter((definition) => definition !== null)
  .map((definition) => JSON.stringify(withoutDescriptions(definition)));
const notice = `CustomResourceDefinitions of ${origin}, without descriptions. Licensed under Apache-2.0.`;
writeFileSync(
  new URL(`../src/parts/bootstrap/data/${name}.json`, import.meta.url),
  `{"notice":${JSON.stringify(notice)},"definitions":[\n${definitions.join(",\n")}\n]}\n`,
);
