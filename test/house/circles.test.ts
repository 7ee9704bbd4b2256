import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";

type Imports = ReadonlyMap<string, readonly string[]>;

describe("the files of src", () => {
  it("never import each other in a circle, types and what is loaded later included", () => {
    const files = globSync("src/**/*.ts").filter((file) => !/\.(test|fixture)\.ts$/.test(file));
    assert.ok(files.length > 100);
    assert.deepEqual(circlesIn(new Map(files.map((file) => [file, importsOf(file)]))), []);
  });

  it("would be found out", () => {
    const tangled = new Map([
      ["a", ["b"]],
      ["b", ["c", "d"]],
      ["c", ["a"]],
      ["d", []],
    ]);
    assert.deepEqual(circlesIn(tangled), [["a", "b", "c"]]);
  });
});

function importsOf(file: string): readonly string[] {
  const text = readFileSync(file, "utf8");
  const named = text.matchAll(/^(?:import|export)\b[^"';]*?"(\.[^"]+)";|\bimport\("(\.[^"]+)"\)/gm);
  return [...named].map(([, first, later]) => join(dirname(file), first ?? later ?? ""));
}

/** Groups of files of which each leads to each other one, by Tarjan's algorithm. */
function circlesIn(imports: Imports): readonly (readonly string[])[] {
  const order = new Map<string, number>();
  const path: string[] = [];
  const circles: string[][] = [];
  const visit = (file: string): number => {
    order.set(file, order.size);
    let low = order.get(file) ?? 0;
    path.push(file);
    for (const imported of imports.get(file) ?? []) {
      if (!order.has(imported)) low = Math.min(low, visit(imported));
      else if (path.includes(imported)) low = Math.min(low, order.get(imported) ?? low);
    }
    if (low === order.get(file)) {
      const group = path.splice(path.indexOf(file));
      if (group.length > 1 || imports.get(file)?.includes(file) === true) circles.push(group.toSorted());
    }
    return low;
  };
  for (const file of imports.keys()) if (!order.has(file)) visit(file);
  return circles;
}
