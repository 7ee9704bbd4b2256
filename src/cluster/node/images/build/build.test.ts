import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ImageStore, type ResolvedImage } from "../image-store.ts";
import { buildImage } from "./build.ts";

let folder: string;
let context: string;
let images: ImageStore;
let said: string[];
let output: string;

// Within each `describe`: tests of other files share the process.
function eachInFolder(): void {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "teal-build-"));
    context = join(folder, "context");
    mkdirSync(context);
    images = new ImageStore(join(folder, "data"));
    said = [];
    output = "";
  });
  afterEach(() => rmSync(folder, { recursive: true }));
}

function files(all: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(context, name)), { recursive: true });
    writeFileSync(join(context, name), text);
  }
}

interface Given {
  readonly file?: string;
  readonly target?: string;
  readonly arguments?: Readonly<Record<string, string>>;
}

async function build(dockerfile: string, given: Given = {}): Promise<ResolvedImage> {
  writeFileSync(join(context, "Dockerfile"), dockerfile);
  await buildImage({
    images,
    names: ["app:1"],
    context,
    ...(given.file === undefined ? {} : { file: given.file }),
    ...(given.target === undefined ? {} : { target: given.target }),
    buildArguments: new Map(Object.entries(given.arguments ?? {})),
    usesLayers: true,
    createdAt: "2026-01-01T00:00:00Z",
    say: (line) => said.push(line),
    output: (text) => void (output += text),
  });
  return images.resolve("app:1");
}

function inImage({ root = "" }: ResolvedImage, path: string): string {
  return readFileSync(join(root, path), "utf8");
}

describe("an image that is built", () => {
  eachInFolder();

  it("has what its Dockerfile says, and nothing that .dockerignore keeps out", async () => {
    files({
      "package.json": "{}",
      "src/a.js": "a",
      "src/b.log": "b",
      ".dockerignore": "**/*.log\nDockerfile",
    });
    const image = await build(
      `ARG BASE=node
FROM \${BASE}:24-alpine AS one
ARG VERSION=1
ENV APP=/app NOTE="a b"
ENV OLD form with words
LABEL version=$VERSION
WORKDIR $APP
WORKDIR sub
COPY package*.json ./
COPY --chmod=700 src $APP/src
COPY . /all/
RUN echo "$VERSION $NOTE" > made && mkdir -p /data
EXPOSE 3000 53/udp
USER node
ENTRYPOINT ["node"]
CMD ["/app/src/a.js"]`,
      { arguments: { VERSION: "2" } },
    );
    assert.deepEqual(image.entrypoint, ["node"]);
    assert.deepEqual(image.arguments, ["/app/src/a.js"]);
    assert.deepEqual(image.env, { APP: "/app", NOTE: "a b", OLD: "form with words" });
    assert.equal(image.workingDir, "/app/sub");
    assert.deepEqual([image.facts.labels, image.facts.ports], [{ version: "2" }, ["3000", "53/udp"]]);
    assert.equal(inImage(image, "app/sub/made"), "2 a b\n");
    assert.equal(statSync(join(image.root ?? "", "app/src/a.js")).mode & 0o777, 0o700);
    assert.deepEqual(readdirSync(join(image.root ?? "", "all/src")), ["a.js"]);
    assert.equal(existsSync(join(image.root ?? "", "data")), true);
    assert.ok(
      said.includes("Dockerfile:14: USER: containers run as the user who runs Teal"),
      said.join("\n"),
    );
  });

  it("takes files from earlier stages, and makes only the stages it needs", async () => {
    files({ "a.txt": "a" });
    const image = await build(`FROM node AS made
COPY a.txt /out/b.txt
RUN ln -s b.txt /out/link
FROM node AS unneeded
RUN false
FROM scratch
COPY --from=made /out /in
COPY --from=0 /out/b.txt /c.txt
CMD ["x"]`);
    assert.equal(inImage(image, "in/link"), "a");
    assert.equal(inImage(image, "c.txt"), "a");
    assert.deepEqual(readdirSync(image.folder).toSorted(), ["root", "teal-image.json"]);
  });

  it("stops at the stage that is asked for, and goes on from one", async () => {
    const dockerfile = "FROM alpine AS a\nENV X=1\nFROM a AS b\nENV Y=2\nCMD y\nFROM scratch\nRUN false";
    const image = await build(dockerfile, { target: "b" });
    assert.deepEqual([image.env, image.arguments], [{ X: "1", Y: "2" }, ["/bin/sh", "-c", "y"]]);
    await assert.rejects(build(dockerfile, { target: "c" }), /has no stage c; it has: a, b/);
  });

  it("can stand on an image of the cluster", async () => {
    await build('FROM scratch\nENV A=1\nCOPY Dockerfile /first\nCMD ["a"]');
    const image = await build("FROM app:1\nENV B=2\nCOPY Dockerfile /second");
    assert.deepEqual([image.env, image.arguments], [{ A: "1", B: "2" }, ["a"]]);
    assert.deepEqual(readdirSync(image.root ?? "").toSorted(), ["first", "second"]);
  });

  it("writes texts of the Dockerfile", async () => {
    const image = await build(
      "FROM scratch\nARG A=1\nCOPY <<EOF /x/\na $A\nEOF\nRUN <<'E'\necho b > /y\nE\nCMD a",
    );
    assert.deepEqual([inImage(image, "x/EOF"), inImage(image, "y")], ["a 1\n", "b\n"]);
  });

  it("runs a line again when what it stands on has changed, and else does not", async () => {
    const dockerfile = "FROM node\nCOPY a.txt /\nRUN cat /a.txt >> /log && rm /a.txt\nCOPY b.txt /\nCMD x";
    files({ "a.txt": "1", "b.txt": "1" });
    await build(dockerfile);
    files({ "b.txt": "2" });
    const second = await build(dockerfile);
    assert.match(output, /as in an earlier build/);
    assert.deepEqual(
      [inImage(second, "log"), inImage(second, "b.txt"), existsSync(join(second.root ?? "", "a.txt"))],
      ["1", "2", false],
    );
    output = "";
    files({ "a.txt": "3" });
    assert.equal(inImage(await build(dockerfile), "log"), "3");
    assert.doesNotMatch(output, /as in an earlier build/);
  });

  it("stays the same folder when nothing has changed, and leaves none that nobody uses", async () => {
    const first = await build("FROM node\nCOPY Dockerfile /\nCMD x");
    const same = await build("FROM node\nCOPY Dockerfile /\nCMD x");
    assert.equal(same.folder, first.folder);
    utimesSync(join(first.folder, "teal-image.json"), 0, 0);
    const other = await build("FROM node\nCOPY Dockerfile /\nCMD y");
    assert.deepEqual(readdirSync(join(images.folder, "built")), [basename(other.folder)]);
  });

  it("has links that stay inside, whatever they point to", async () => {
    symlinkSync("/etc", join(context, "out"));
    symlinkSync("../../../../etc/passwd", join(context, "up"));
    symlinkSync("b", join(context, "a"));
    symlinkSync("a", join(context, "b"));
    const image = await build("FROM scratch\nCOPY . /x/\nCOPY Dockerfile /x/out/passwd\nCMD a");
    const root = image.root ?? "";
    assert.deepEqual(
      [readlinkSync(join(root, "x/out")), readlinkSync(join(root, "x/up"))],
      ["../etc", "../etc/passwd"],
    );
    assert.equal(existsSync(join(root, "etc/passwd")), true);
    await assert.rejects(
      build("FROM scratch\nCOPY out/passwd /x\nCMD a"),
      /Dockerfile:2: COPY: out\/passwd is a link that leads out of the context/,
    );
    await assert.rejects(
      build("FROM scratch\nCOPY . /x/\nCOPY Dockerfile /x/a/c\nCMD a"),
      /Dockerfile:3: COPY: .*links lead in a circle/,
    );
  });
});

describe("a build that fails", () => {
  eachInFolder();

  for (const [dockerfile, error] of [
    ["", /Dockerfile has no FROM/],
    ["RUN a\nFROM node", /Dockerfile:1: RUN: comes before the first FROM/],
    [
      "FROM nginx:1",
      /Dockerfile:1: FROM: nginx:1 is neither an image of this cluster nor one that stands for/,
    ],
    ["FROM node as", /Dockerfile:1: FROM: must be FROM IMAGE, or/],
    ["FROM node\nONBUILD RUN x", /Dockerfile:2: ONBUILD: is not offered/],
    ["FROM node\nFOO x", /Dockerfile:2: FOO: is no instruction; known are FROM, RUN/],
    ["FROM node\nCOPY nothing /", /Dockerfile:2: COPY: there is no nothing in the context/],
    ["FROM node\nCOPY ../x /", /Dockerfile:2: COPY: \.\.\/x is outside the context/],
    ["FROM node\nCOPY *.x /", /Dockerfile:2: COPY: no file of the context fits \*\.x/],
    [
      "FROM node\nCOPY Dockerfile Dockerfile x",
      /Dockerfile:2: COPY: several files are copied, so x must be a folder/,
    ],
    ["FROM node\nCOPY --from=x /a /b", /Dockerfile:2: COPY: there is no earlier stage x/],
    ["FROM node\nCOPY --parents a b", /Dockerfile:2: COPY: --parents is not known here/],
    ["FROM node\nADD http://x/y /z", /Dockerfile:2: ADD: nothing is fetched from http:\/\/x\/y/],
    ["FROM node\nRUN curl x | sh", /Dockerfile:2: RUN: "curl" is not run here/],
    ["FROM node\nRUN exit 3", /Dockerfile:2: RUN: ended with exit code 3/],
    ["FROM node\nRUN --network=host true", /Dockerfile:2: RUN: --network=host is not known here/],
    ["FROM node\nENV =x", /Dockerfile:2: ENV: =x is no NAME=VALUE/],
    ["FROM node\nEXPOSE web", /Dockerfile:2: EXPOSE: web is no port/],
    ['FROM node\nSHELL ["pwsh"]', /Dockerfile:2: SHELL: must be a list that starts with sh/],
  ] as const) {
    it(`names the line and the reason: ${JSON.stringify(dockerfile)}`, async () => {
      await assert.rejects(build(dockerfile), (failure: Error) => {
        assert.match(failure.message, error);
        return failure.name === "ImageError";
      });
      assert.deepEqual(await images.list(), []);
      assert.deepEqual(
        existsSync(join(images.folder, "built")) ? readdirSync(join(images.folder, "built")) : [],
        [],
      );
    });
  }

  it("leaves the earlier image as it is", async () => {
    const before = await build("FROM node\nCMD x");
    await assert.rejects(build("FROM node\nRUN false\nCMD y"));
    assert.deepEqual(await images.resolve("app:1"), before);
  });

  it("and was killed is cleared away by the next", async () => {
    const left = join(images.folder, "built/abc-999999999");
    mkdirSync(join(left, "root"), { recursive: true });
    await build("FROM node\nCMD x");
    assert.equal(existsSync(left), false);
  });
});

describe("builds", () => {
  eachInFolder();

  it("of one name at a time end with one of them, whole", async () => {
    files({ a: "a" });
    const all = Array.from({ length: 4 }, (_, n) =>
      build(`FROM node\nCOPY a /\nRUN echo ${n} > /n\nCMD ["${n}"]`).catch(() => undefined),
    );
    await Promise.all(all);
    const image = await images.resolve("app:1");
    assert.equal(inImage(image, "n").trim(), image.arguments[0]);
  });
});
