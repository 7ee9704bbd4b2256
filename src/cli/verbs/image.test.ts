import assert from "node:assert/strict";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { FakeWorld } from "../fake-world.fixture.ts";
import { run } from "../run.ts";

const file = fileURLToPath(import.meta.url);
const cases: readonly [what: string, folder: string, error: string][] = [
  ["does not exist", "/no/such/folder", "there is no folder /no/such/folder"],
  ["lies below a file", `${file}/folder`, `there is no folder ${file}/folder`],
  ["is a file", file, `${file} is no folder`],
];
for (const [what, folder, error] of cases) {
  it(`teal image add says that the folder ${what}`, async () => {
    const world = new FakeWorld();
    assert.equal(await run(["image", "add", "web:1", folder], world), 1);
    assert.equal(world.error, `Error: ${error}\n`);
  });
}
