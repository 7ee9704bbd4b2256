import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { CommandError, UsageError } from "./errors.ts";
import { parseManifests, readAll } from "./manifests.ts";

const folder = mkdtempSync(join(tmpdir(), "teal-manifests-"));
after(() => rmSync(folder, { recursive: true }));

const configMap = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;
const none = (): Promise<string> => Promise.resolve("");

function inShort(text: string): readonly string[] {
  return parseManifests("f.yaml", text).map((document) =>
    "problem" in document ? document.problem : `${document.manifest.kind}/${document.manifest.metadata.name}`,
  );
}

describe("manifests", () => {
  const list =
    '{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod", "metadata": {}}]}';
  const cases: readonly [what: string, text: string, found: readonly string[]][] = [
    [
      "several documents, also empty ones",
      `---\n${configMap("a")}---\n---\n# no more\n---\n${configMap("b")}`,
      ["ConfigMap/a", "ConfigMap/b"],
    ],
    ["a list's members", list, ["Pod/undefined"]],
    ["nothing", "", []],
    ["only a comment", "# nothing\n", []],
    ["no kind", "apiVersion: v1\nmetadata: {}\n", ["has an object without kind"]],
    ["no apiVersion", "kind: Pod\nmetadata: {}\n", ["has an object without apiVersion"]],
    ["no metadata", "apiVersion: v1\nkind: Pod\n", ["has a Pod without metadata"]],
    ["a text where an object should be", "just words\n", ["has a document that is no object"]],
  ];
  for (const [what, text, found] of cases) {
    it(`with ${what} are ${found.join(", ") || "none"}`, () => assert.deepEqual(inShort(text), found));
  }

  it("that are no YAML say where, and the other documents are still read", () => {
    const [broken, good] = inShort(`a: [1\n---\n${configMap("b")}`);
    assert.match(broken ?? "", /^is no valid YAML: .* at line \d+/);
    assert.equal(good, "ConfigMap/b");
  });

  const again: readonly [string, string, unknown, readonly string[]][] = [
    [
      "a field",
      "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  name: b\n",
      { name: "b" },
      ['f.yaml: "name" in line 5 is there already; the last one counts'],
    ],
    [
      "a field in quotes, and another one three times",
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  "name": a\n  "name": b\n  uid: 1\n  uid: 2\n  uid: 3\n',
      { name: "b", uid: 3 },
      [5, 7, 8].map(
        (line) =>
          `f.yaml: "${line === 5 ? "name" : "uid"}" in line ${line} is there already; the last one counts`,
      ),
    ],
    [
      "a member of a JSON object",
      '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "name": "b"}}',
      { name: "b" },
      ['f.yaml: "name" in line 1 is there already; the last one counts'],
    ],
  ];
  for (const [what, text, metadata, warnings] of again) {
    it(`with ${what} twice take the last one, and say so`, () => {
      const [document, ...others] = parseManifests("f.yaml", text);
      assert.ok(document !== undefined && "manifest" in document);
      assert.deepEqual([document.manifest.metadata, document.warnings, others], [metadata, warnings, []]);
    });
  }

  it("say it of the document that it is in, once", () => {
    const member = (name: string) => `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "${name}"}}`;
    const text = `${configMap("a")}---\nkind: X\nkind: List\napiVersion: v1\nitems: [${member("b")}, ${member("c")}]\n`;
    assert.deepEqual(
      parseManifests("f.yaml", text).map(({ warnings }) => warnings?.length ?? 0),
      [0, 1, 0],
    );
  });

  it("of a folder are read in the order of their names, other files are not", async () => {
    for (const name of ["b.yaml", "a.yml", "c.json"]) writeFileSync(join(folder, name), configMap(name));
    writeFileSync(join(folder, "README.md"), "# words");
    const documents = await readAll([folder], none);
    assert.deepEqual(
      documents.map((document) => "manifest" in document && document.manifest.metadata.name),
      ["a.yml", "b.yaml", "c.json"],
    );
  });

  it("come from standard input for -", async () => {
    const [document] = await readAll(["-"], () => Promise.resolve(configMap("piped")));
    assert.ok(document !== undefined && "manifest" in document);
    assert.equal(document.manifest.metadata.name, "piped");
  });

  it("that are not there are named", async () => {
    await assert.rejects(
      readAll(["nowhere.yaml"], none),
      new CommandError('there is no file "nowhere.yaml"'),
    );
    await assert.rejects(readAll(["-"], none), new CommandError("there is no object in -"));
    await assert.rejects(readAll([], none), UsageError);
  });
});
