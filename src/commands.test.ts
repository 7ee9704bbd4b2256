import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { commands } from "./commands.ts";

describe("the table of commands", () => {
  for (const { names, load } of commands) {
    it(`leads to what teal ${names[0]} does`, async () => {
      const { flags, words } = await load();
      for (const { help } of Object.values(flags)) assert.notEqual(help, "");
      assert.ok(words.least <= words.most);
    });
  }

  it("has each name once", () => {
    const names = commands.flatMap((command) => command.names);
    assert.deepEqual(names, [...new Set(names)]);
  });
});

it("what every start loads is a handful of files, and no library", () => {
  const loaded = new Map<string, readonly string[]>();
  const visit = (file: URL): void => {
    if (loaded.has(file.href)) return;
    const text = readFileSync(file, "utf8");
    const statements = text.matchAll(/^(?:import|export) (?!type\b)(?:[^;"]*? from )?"([^"]+)";$/gm);
    const names = [...statements].map(([, name = ""]) => name);
    loaded.set(file.href, names);
    for (const name of names) if (name.startsWith(".")) visit(new URL(name, file));
  };
  visit(new URL("./main.ts", import.meta.url));
  const libraries = [...loaded.values()].flat().filter((name) => !/^(\.|node:)/.test(name));
  assert.deepEqual(libraries, []);
  assert.ok(loaded.size > 5 && loaded.size <= 15, [...loaded.keys()].join("\n"));
});
