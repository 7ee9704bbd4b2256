import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { commandOf, viewOf } from "./image-command.ts";
import { ImagePaths } from "./image-paths.ts";

const root = mkdtempSync(join(tmpdir(), "teal-paths-"));
mkdirSync(join(root, "app/bin"), { recursive: true });
mkdirSync(join(root, "usr/local/bin"), { recursive: true });
writeFileSync(join(root, "app/server.js"), "");
after(() => rmSync(root, { recursive: true }));

describe("absolute paths of an image", () => {
  const paths = new ImagePaths(root);
  for (const [what, word, meant] of [
    ["a file that it has", "/app/server.js", `${root}/app/server.js`],
    ["a folder that it has", "/app", `${root}/app`],
    ["a new file in its folder", "/app/new.log", `${root}/app/new.log`],
    ["a way round", "/app/../app/bin", `${root}/app/bin`],
    ["a way out", "/../../app", `${root}/app`],
    ["the value of a flag", "--config=/app/server.js", `--config=${root}/app/server.js`],
    [
      "a line for a shell",
      "cd /app && node /app/server.js >/app/log",
      `cd ${root}/app && node ${root}/app/server.js >${root}/app/log`,
    ],
    ["the machine's program", "/bin/sh", "/bin/sh"],
    ["a path of an address", "/healthz", "/healthz"],
    ["an address", "http://host/app", "http://host/app"],
    ["a device", "/dev/null", "/dev/null"],
    ["the root", "/", "/"],
    ["a path that is no absolute one", "app/server.js", "app/server.js"],
  ] as const) {
    it(`mean ${meant.replaceAll(root, "ROOT")} for ${what}: ${word}`, () =>
      assert.equal(paths.word(word), meant));
  }

  it("are found in variables, and the image's programs before the machine's", () => {
    const variables = {
      PATH: "/app/bin:/usr/bin",
      HOME: "/app",
      URL: "http://x/app",
      LIST: "/app:/opt",
      TEXT: "see /app",
    };
    assert.deepEqual(paths.variables(variables, "/usr/bin:/bin"), {
      PATH: `${root}/app/bin:/usr/bin:/bin`,
      HOME: `${root}/app`,
      URL: "http://x/app",
      LIST: `${root}/app:/opt`,
      TEXT: "see /app",
    });
  });
});

describe("the command of a container", () => {
  const image = { entrypoint: ["run"], arguments: ["a"], env: {}, workingDir: "/", root, facts: {} };
  const command = (words: { command?: string[]; args?: string[] }): readonly string[] =>
    commandOf(image, { name: "c", ...words });
  it("is the image's, its arguments or all of it replaced by the manifest", () => {
    assert.deepEqual(command({}), ["run", "a"]);
    assert.deepEqual(command({ args: ["b"] }), ["run", "b"]);
    assert.deepEqual(command({ command: ["x"] }), ["x"]);
    assert.deepEqual(command({ command: ["x"], args: ["b"] }), ["x", "b"]);
  });

  it("has the Node of Teal for node, wherever images have it", () => {
    const view = viewOf(image, "/usr/bin");
    for (const node of ["node", "/usr/local/bin/node", "/nodejs/bin/node"])
      assert.deepEqual(view.command([node, "/app/server.js"]), [process.execPath, `${root}/app/server.js`]);
  });
});
