import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, utimesSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { RegistryServer } from "./registry-server.ts";
import { RepositoryStore } from "./repository-store.ts";

let folder: string;
let server: RegistryServer;
let store: RepositoryStore;
let port: number;
let pushed: number;

// Within each `describe`: tests of other files share the process.
function eachInFolder(): void {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "teal-registry-"));
    store = new RepositoryStore(folder);
    pushed = 0;
    server = new RegistryServer({
      store,
      onPushed: () => void (pushed += 1),
      onProblem: (text) => assert.fail(text),
    });
    port = await server.listen(0);
  });
  afterEach(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

function ask(
  method: string,
  path: string,
  body = "",
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: "127.0.0.1", port, method, path, headers: { Host: "localhost", ...headers } },
      (response) => {
        let text = "";
        response.on("data", (piece) => (text += piece));
        response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
      },
    );
    call.on("error", reject);
    call.end(body);
  });
}

const digestOf = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;
const code = ({ text }: Answer): string =>
  (JSON.parse(text) as { errors: { code: string }[] }).errors[0]?.code ?? "";

async function pushBlob(repository: string, text: string): Promise<Answer> {
  const begun = await ask("POST", `/v2/${repository}/blobs/uploads/`);
  return ask("PUT", `${String(begun.headers["location"])}?digest=${digestOf(text)}`, text);
}

async function pushImage(repository: string, tag: string, text = "{}"): Promise<string> {
  await pushBlob(repository, text);
  const config = {
    digest: digestOf(text),
    size: text.length,
    mediaType: "application/vnd.oci.image.config.v1+json",
  };
  const manifest = JSON.stringify({ schemaVersion: 2, config, layers: [] });
  const answer = await ask("PUT", `/v2/${repository}/manifests/${tag}`, manifest);
  assert.equal(answer.status, 201, answer.text);
  return digestOf(manifest);
}

describe("the registry", () => {
  eachInFolder();

  it("gives out what was pushed, by tag and digest, and tells of it", async () => {
    const digest = await pushImage("a/b", "1");
    assert.equal(pushed, 1);
    for (const reference of ["1", digest]) {
      const head = await ask("HEAD", `/v2/a/b/manifests/${reference}`);
      assert.deepEqual([head.status, head.headers["docker-content-digest"], head.text], [200, digest, ""]);
    }
    assert.equal((await ask("GET", `/v2/a/b/blobs/${digestOf("{}")}`)).text, "{}");
    assert.equal(code(await ask("GET", "/v2/a/b/manifests/2")), "MANIFEST_UNKNOWN");
    assert.equal(code(await ask("GET", "/v2/other/tags/list")), "NAME_UNKNOWN");
  });

  it("takes an upload in pieces, goes on after a broken one, and refuses other content than was said", async () => {
    const begun = await ask("POST", "/v2/a/blobs/uploads/");
    const location = String(begun.headers["location"]);
    assert.equal((await ask("PATCH", location, "abc", { "Content-Range": "0-2" })).headers["range"], "0-2");
    assert.equal((await ask("PATCH", location, "xyz", { "Content-Range": "0-2" })).status, 416);
    assert.equal((await ask("GET", location)).headers["range"], "0-2");
    assert.equal((await ask("PUT", `${location}?digest=${digestOf("abcdef")}`, "def")).status, 201);
    const part = await ask("GET", `/v2/a/blobs/${digestOf("abcdef")}`, "", { Range: "bytes=2-3" });
    assert.deepEqual([part.status, part.text, part.headers["content-range"]], [206, "cd", "bytes 2-3/6"]);
    assert.equal(
      (await ask("GET", `/v2/a/blobs/${digestOf("abcdef")}`, "", { Range: "bytes=9-" })).status,
      416,
    );
    const other = await ask("POST", `/v2/a/blobs/uploads/?digest=${digestOf("x")}`, "y");
    assert.deepEqual([other.status, code(other)], [400, "DIGEST_INVALID"]);
    assert.equal((await ask("HEAD", `/v2/a/blobs/${digestOf("x")}`)).status, 404);
  });

  it("gives a repository what another has, and nothing that it was not given", async () => {
    await pushImage("a", "1");
    assert.equal((await ask("HEAD", `/v2/b/blobs/${digestOf("{}")}`)).status, 404);
    assert.equal((await ask("POST", `/v2/b/blobs/uploads/?mount=${digestOf("{}")}&from=a`)).status, 201);
    assert.equal((await ask("HEAD", `/v2/b/blobs/${digestOf("{}")}`)).status, 200);
    assert.equal((await ask("POST", `/v2/c/blobs/uploads/?mount=${digestOf("no")}&from=a`)).status, 202);
  });

  it("knows every tag, whatever its name ends with", async () => {
    for (const tag of ["v1", "v1.new"]) await pushImage("x", tag);
    assert.deepEqual(JSON.parse((await ask("GET", "/v2/x/tags/list")).text), {
      name: "x",
      tags: ["v1", "v1.new"],
    });
  });

  it("lists tags and repositories page by page", async () => {
    for (const tag of ["b", "a", "c"]) await pushImage("x", tag);
    await pushImage("w", "1");
    const first = await ask("GET", "/v2/x/tags/list?n=2");
    assert.deepEqual(JSON.parse(first.text), { name: "x", tags: ["a", "b"] });
    assert.equal(first.headers["link"], '</v2/x/tags/list?n=2&last=b>; rel="next"');
    assert.deepEqual(JSON.parse((await ask("GET", "/v2/x/tags/list?n=2&last=b")).text), {
      name: "x",
      tags: ["c"],
    });
    assert.deepEqual(JSON.parse((await ask("GET", "/v2/_catalog")).text), { repositories: ["w", "x"] });
  });

  for (const [what, method, path, body, status, error] of [
    [
      "a manifest whose parts are not there",
      "PUT",
      "/v2/a/manifests/1",
      `{"schemaVersion":2,"config":{"digest":"${digestOf("z")}","size":1},"layers":[]}`,
      404,
      "MANIFEST_BLOB_UNKNOWN",
    ],
    ["a manifest that is no JSON", "PUT", "/v2/a/manifests/1", "{", 400, "MANIFEST_INVALID"],
    [
      "a manifest of the first version",
      "PUT",
      "/v2/a/manifests/1",
      '{"schemaVersion":1}',
      400,
      "MANIFEST_INVALID",
    ],
    [
      "a manifest of another digest",
      "PUT",
      `/v2/a/manifests/${digestOf("")}`,
      '{"schemaVersion":2}',
      400,
      "DIGEST_INVALID",
    ],
    ["a manifest of five megabytes", "PUT", "/v2/a/manifests/1", "x".repeat(5_000_000), 413, "SIZE_INVALID"],
    ["a name that leads elsewhere", "POST", "/v2/..%2f..%2fetc/blobs/uploads/", "", 400, "NAME_INVALID"],
    [
      "an upload that never began",
      "PATCH",
      "/v2/a/blobs/uploads/00000000-0000-0000-0000-000000000000",
      "x",
      404,
      "BLOB_UPLOAD_UNKNOWN",
    ],
    ["another method", "POST", "/v2/a/tags/list", "", 405, "UNSUPPORTED"],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const answer = await ask(method, path, body);
      assert.deepEqual([answer.status, code(answer)], [status, error]);
      assert.deepEqual(store.names(), []);
    });
  }

  it("answers no page of another site", async () => {
    assert.equal((await ask("GET", "/v2/", "", { Host: "evil.example" })).status, 403);
    assert.equal((await ask("GET", "/v2/", "", { Origin: "http://evil.example" })).status, 403);
    assert.equal((await ask("GET", "/v2/")).status, 200);
  });

  it("lets go of what no manifest names, when it is old", async () => {
    const digest = await pushImage("a", "1");
    await pushBlob("a", "on its way");
    await ask("DELETE", `/v2/a/manifests/${digest}`);
    for (const text of ["{}", "on its way"]) assert.notEqual(store.blobs.path(digestOf(text)), undefined);
    for (const path of [store.blobs.path(digestOf("{}")), store.blobs.path(digest)])
      utimesSync(path ?? "", 0, 0);
    store.removeBlob("a", digestOf("{}"));
    store.collectGarbage();
    assert.deepEqual(
      [digestOf("{}"), digest].map((each) => store.blobs.path(each)),
      [undefined, undefined],
    );
    assert.notEqual(store.blobs.path(digestOf("on its way")), undefined);
  });
});
