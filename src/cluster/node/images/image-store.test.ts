import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { canonicalImageName } from "./image-name.ts";
import { ImageStore } from "./image-store.ts";

let dataFolder: string;
let store: ImageStore;

async function folderWith(files: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = join(dataFolder, "content");
  await mkdir(folder, { recursive: true });
  for (const [name, value] of Object.entries(files)) {
    await writeFile(join(folder, name), typeof value === "string" ? value : JSON.stringify(value));
  }
  return folder;
}

describe("image names", () => {
  for (const [name, canonical] of [
    ["nginx", "docker.io/library/nginx:latest"],
    ["me/app:2", "docker.io/me/app:2"],
    ["docker.io/me/app:2", "docker.io/me/app:2"],
    ["localhost:5000/app", "localhost:5000/app:latest"],
    ["ghcr.io/a/b@sha256:0", "ghcr.io/a/b@sha256:0"],
  ] as const) {
    it(`complete ${name} to ${canonical}`, () => assert.equal(canonicalImageName(name), canonical));
  }
});

describe("the image store", () => {
  beforeEach(async () => {
    dataFolder = await mkdtemp(join(tmpdir(), "teal-images-"));
    store = new ImageStore(dataFolder);
  });
  afterEach(() => rm(dataFolder, { recursive: true }));

  it("resolves an added image by any form of its name, until it is removed", async () => {
    const folder = await folderWith({ "teal-image.json": { command: ["node", "x.js"], env: { A: "1" } } });
    await store.add("app:1", folder);
    const image = await store.resolve("docker.io/library/app:1");
    assert.deepEqual([image.folder, image.entrypoint, image.env], [folder, ["node", "x.js"], { A: "1" }]);
    assert.deepEqual(await store.list(), [{ name: "docker.io/library/app:1", folder }]);
    assert.equal(await store.remove("app:1"), true);
    assert.equal(await store.remove("app:1"), false);
    await assert.rejects(store.resolve("app:1"), /no image "app:1".*teal image add app:1 DIR/);
  });

  it("takes a package's start script, or else its main file", async () => {
    await store.add("main", await folderWith({ "package.json": { main: "index.js" } }));
    assert.deepEqual((await store.resolve("main")).entrypoint, ["node", "index.js"]);
    await folderWith({ "package.json": { main: "index.js", scripts: { start: "node a.js" } } });
    assert.deepEqual((await store.resolve("main")).entrypoint, ["sh", "-c", "node a.js"]);
  });

  for (const [what, files, message] of [
    ["an empty folder", {}, /is no image: it needs a teal-image\.json/],
    ["a text that is no JSON", { "teal-image.json": "{" }, /teal-image\.json cannot be read/],
    ["a command that is no list", { "teal-image.json": { command: "node x" } }, /command must be a list/],
    ["an env that is no texts", { "teal-image.json": { command: ["x"], env: { A: 1 } } }, /env must be/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(store.add("bad", await folderWith(files)), message);
      assert.deepEqual(await store.list(), []);
    });
  }

  it("says how to mend a file that is broken, and which", async () => {
    await store.add("app:1", await folderWith({ "teal-image.json": { command: ["node"] } }));
    const names = join(dataFolder, "images", "names");
    const [file = ""] = await readdir(names);
    await writeFile(join(names, file), "[]");
    await assert.rejects(
      store.list(),
      /\.json cannot be read: no name and folder; delete it and add the image again/,
    );
  });

  it("keeps all of many images that are added at once", async () => {
    const folder = await folderWith({ "teal-image.json": { command: ["node"] } });
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => new ImageStore(dataFolder).add(`app:${n}`, folder)),
    );
    assert.equal((await store.list()).length, 20);
  });
});
