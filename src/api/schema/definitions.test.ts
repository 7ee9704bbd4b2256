import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { it } from "node:test";
import { parse } from "yaml";
import { customResourceDefinitions } from "./definitions.ts";

it("deploy/crds has exactly the definitions of this version (else run tools/generate-crds.ts)", () => {
  const folder = new URL("../../../deploy/crds/", import.meta.url);
  const files = readdirSync(folder).map(
    (name) => parse(readFileSync(new URL(name, folder), "utf8")) as object,
  );
  const byName = (definitions: readonly object[]) =>
    definitions.map((definition) => JSON.stringify(definition)).toSorted();
  assert.deepEqual(byName(files), byName(customResourceDefinitions()));
});
