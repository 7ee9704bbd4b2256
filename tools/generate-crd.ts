// Writes deploy/crds/ from the schemas in src/api/schema. Run it after changing them.
import { writeFileSync } from "node:fs";
import { Document, isCollection, visit } from "yaml";
import { rolloutCustomResourceDefinition } from "../src/api/schema/rollout.ts";

const lineWidth = 110;

const file = new URL("../deploy/crds/rollout.yaml", import.meta.url);
writeFileSync(file, manifest(rolloutCustomResourceDefinition()));

/** YAML in which whatever fits on one line is on one line. */
function manifest(definition: object): string {
  const document = new Document(definition, { aliasDuplicateObjects: false });
  document.commentBefore = " Generated from src/api/schema by tools/generate-crd.ts.";
  visit(document, {
    Collection(_, node, path) {
      if (!isCollection(node) || path.length < 2) return;
      const indent = path.length;
      if (JSON.stringify(node).length + indent <= lineWidth) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0 });
}
