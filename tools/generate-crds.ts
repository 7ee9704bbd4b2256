// Writes deploy/crds/ from the schemas in src/api/schema. Run it after changing them.
import { writeFileSync } from "node:fs";
import { Document, isCollection, visit } from "yaml";
import { customResourceDefinitions } from "../src/api/schema/definitions.ts";

const lineWidth = 110;

for (const definition of customResourceDefinitions()) {
  const [plural = ""] = definition.metadata.name.split(".");
  writeFileSync(new URL(`../deploy/crds/${plural}.yaml`, import.meta.url), manifest(definition));
}

/** YAML in which whatever fits on one line is on one line. */
function manifest(definition: object): string {
  const document = new Document(definition, { aliasDuplicateObjects: false });
  document.commentBefore = " Generated from src/api/schema by tools/generate-crds.ts.";
  visit(document, {
    Collection(_, node, path) {
      if (!isCollection(node) || path.length < 2) return;
      const indent = path.length;
      if (JSON.stringify(node).length + indent <= lineWidth) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0 });
}
