import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { execForm, parseDockerfile } from "./dockerfile.ts";
import { Ignored, patternOf } from "./patterns.ts";
import { NotRun, ShellScreen } from "./shell-screen.ts";
import { expandText, oneWord, wordsOf } from "./words.ts";

const parsed = (text: string): readonly string[] =>
  parseDockerfile(text, "Dockerfile").instructions.map(
    ({ keyword, line, rest }) => `${line} ${keyword} ${rest}`,
  );

describe("a Dockerfile", () => {
  it("has instructions in any case, comments, and lines that are continued over comments", () => {
    const text =
      "# syntax=docker/dockerfile:1\nfrom node\n\nRUN a && \\\n  # why\n\n  b \\\r\n  c\r\nCMD x # y";
    assert.deepEqual(parsed(text), ["2 FROM node", "4 RUN a &&   b   c", "9 CMD x # y"]);
  });

  it("may say which character continues a line", () => {
    assert.deepEqual(parsed("# escape=`\nFROM a\nRUN dir C:\\ `\n b"), ["2 FROM a", "3 RUN dir C:\\  b"]);
    assert.throws(() => parsed("# escape=x\nFROM a"), /^ImageError: Dockerfile:1: escape must be/);
  });

  it("has flags in front and texts behind", () => {
    const text = "COPY --from=a --chown=1:2 <<EOF <<-'B' /x/\none $A\nEOF\n\ttwo\n\tB\nCMD y";
    const [copy, cmd] = parseDockerfile(text, "Dockerfile").instructions;
    assert.deepEqual(
      [...(copy?.flags ?? [])],
      [
        ["from", "a"],
        ["chown", "1:2"],
      ],
    );
    assert.deepEqual(copy?.heredocs, [
      { name: "EOF", expands: true, body: "one $A\n" },
      { name: "B", expands: false, body: "two\n" },
    ]);
    assert.equal(cmd?.line, 6);
    assert.throws(() => parsed("RUN <<EOF\nx"), /Dockerfile:1: the text <<EOF has no end/);
  });

  it("of a megabyte is read in one pass", () => {
    const lines = Array.from({ length: 10_000 }, (_, n) => `COPY ${"x".repeat(80)}${n} \\\n  /to/`);
    assert.equal(parsed(lines.join("\n")).length, 10_000);
    assert.equal(parsed(`RUN a ${"\\\n".repeat(500_000)}`).length, 1);
  });

  it("has no lines that are no instruction", () => {
    assert.throws(() => parsed("FROM a\n==== x"), /Dockerfile:2: "====" is no instruction/);
  });

  it("has commands in two forms", () => {
    assert.deepEqual(execForm('["a", "b"]'), ["a", "b"]);
    for (const shell of ["a b", "[a]", "['a']", "[1]", '["a"']) assert.equal(execForm(shell), undefined);
  });
});

describe("words of an instruction", () => {
  const lookup = (name: string): string | undefined => ({ A: "1", E: "", S: "x y" })[name];
  for (const [text, words] of [
    ["a  b\tc", ["a", "b", "c"]],
    ['a="x y" \'$A\' "$A"', ["a=x y", "$A", "1"]],
    ["$A-${A}-\\$A $S", ["1-1-$A", "x y"]],
    ["${N:-d} ${E:-d} ${E-d} ${A:-d} ${N-${A}}", ["d", "d", "", "1", "1"]],
    ["${A:+y}${N:+y}${E+y} a\\ b $ x", ["yy", "a b", "$", "x"]],
  ] as const) {
    it(`of ${text} are ${JSON.stringify(words)}`, () => assert.deepEqual(wordsOf(text, lookup), words));
  }
  for (const [text, error] of [
    ['"a', /a text in " has no end/],
    ["${A", /form of a variable that is not known|has no end/],
    ["${A##x}", /form of a variable that is not known/],
    ["${N:?give N}", /variable N is not set: give N/],
  ] as const) {
    it(`cannot be ${text}`, () => assert.throws(() => wordsOf(text, lookup), error));
  }
  it("keep quotes in texts", () => {
    assert.equal(expandText('say "$A" \\$A', lookup), 'say "1" $A');
    assert.equal(oneWord("/a b/$A", lookup), "/a b/1");
  });
});

describe("patterns", () => {
  for (const [pattern, deep, path, fits] of [
    ["*.js", false, "a.js", true],
    ["*.js", false, "b/a.js", false],
    ["package*.json", false, "package-lock.json", true],
    ["**/*.log", true, "a/b/c.log", true],
    ["**/*.log", true, "c.log", true],
    ["a/**", true, "a/b/c", true],
    ["[ab]?", false, "a1", true],
    ["[!ab]", false, "a", false],
    ["a.b", false, "axb", false],
  ] as const) {
    it(`${pattern} ${fits ? "fits" : "does not fit"} ${path}`, () =>
      assert.equal(patternOf(pattern, deep).test(path), fits));
  }
  it("in .dockerignore hold for all below, and the last that fits decides", () => {
    const ignored = new Ignored("# x\nnode_modules\n/dist/\n*.md\n!README.md\n");
    const kept = ["a.js", "README.md", "src/node_modules/x", "sub/a.md"].map((each) => ignored.has(each));
    assert.deepEqual(kept, [false, false, false, false]);
    assert.deepEqual(
      ["node_modules/a/b", "dist", "x.md"].map((each) => ignored.has(each)),
      [true, true, true],
    );
    assert.equal(ignored.hasAllOf("node_modules"), false);
    assert.equal(new Ignored("node_modules").hasAllOf("node_modules"), true);
  });
});

describe("a RUN line", () => {
  const screen = new ShellScreen("/R", "/usr/local/bin:/usr/bin", "/app");
  const variables: Readonly<Record<string, string>> = { $APP_HOME: "/app", "${APP_HOME}": "/app" };
  const screened = (line: string) => screen.screen(line, (word) => variables[word] ?? word);
  for (const [line, text] of [
    ["npm ci && npm run build", "npm ci && npm run build"],
    ["mkdir -p /data $APP_HOME ${APP_HOME}/x", "mkdir -p /R/data /R/app /R/app/x"],
    ['echo "a b" > /etc/hosts', 'echo "a b" > /R/etc/hosts'],
    ["rm -rf /var/lib/apt/lists/* /tmp/*", "rm -rf /R/var/lib/apt/lists/* /R/tmp/*"],
    ["cat /etc/passwd", "cat /etc/passwd"],
    ["rm /etc/passwd", "rm /R/etc/passwd"],
    ["rm /../../etc/passwd", "rm /R/etc/passwd"],
    ["rm '/etc/passwd'", "rm '/R/etc/passwd'"],
    ["python -m venv /opt/venv", "python -m venv /R/opt/venv"],
    ["go build -o=/bin/app .", "go build -o=/R/bin/app ."],
    ["pip install http://h/x.whl", "pip install http://h/x.whl"],
    ["if [ -f /x ]; then echo y; fi", "if [ -f /R/x ]; then echo y; fi"],
    ["for f in a b; do echo $f; done", "for f in a b; do echo $f; done"],
    ["cd /app # why\necho x", "cd /R/app \necho x"],
  ] as const) {
    it(`${JSON.stringify(line)} is run as ${JSON.stringify(text)}`, () =>
      assert.equal(screened(line).text, text));
  }
  for (const line of [
    "apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*",
    "apk add --no-cache git",
    "sudo apt-get install x",
    "/usr/sbin/adduser -D app",
    "chown -R node:node /app",
    "A=1 useradd x",
    "npm cache clean --force",
  ]) {
    it(`${line} leaves out what would change the machine, and says so`, () => {
      const { text, remarks } = screened(line);
      assert.equal(remarks.length, 1, text);
      assert.doesNotMatch(text, /apt-get|apk|adduser|chown|useradd|npm/);
    });
  }
  for (const line of [
    "curl -fsSL https://x | sh",
    "systemctl start x",
    "echo $(rm -rf /etc)",
    "echo `reboot`",
    'echo "$(reboot)"',
    'sh -c "rm -rf /etc"',
    "env reboot",
    "true; reboot",
    "true\nreboot",
    "if reboot; then true; fi",
    "(reboot)",
    "rm -rf ../../etc",
    "rm -rf '../../etc'",
  ]) {
    it(`${JSON.stringify(line)} is refused`, () => assert.throws(() => screened(line), NotRun));
  }
});
