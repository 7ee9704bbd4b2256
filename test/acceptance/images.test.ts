import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { dataFolder } from "../../src/cluster/supervisor/data-folder.ts";
import { toolFolder } from "./kubectl-binary.ts";
import { freePort, TealProcess, teal } from "./teal-process.ts";

const folder = mkdtempSync(join(tmpdir(), "teal-images-"));
const registry = await freePort();
const run = promisify(execFile);
let up: TealProcess;

before(async () => {
  const ports = ["--port", String(await freePort()), "--registry", String(registry)];
  up = new TealProcess(["up", ...ports], folder);
  await up.shown(/Ctrl-C stops everything/);
});
after(async () => {
  await up.interrupt();
  rmSync(folder, { recursive: true });
});

function files(name: string, all: Readonly<Record<string, string>>): string {
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, name, path)), { recursive: true });
    writeFileSync(join(folder, name, path), text);
  }
  return join(folder, name);
}

async function build(name: string, context: string): Promise<string> {
  const { code, error } = await teal(folder, "image", "build", "-t", name, context);
  assert.equal(code, 0, error);
  return error;
}

/** What a pod of the image writes until it has ended. */
async function ran(pod: string, image: string, more: object = {}): Promise<string> {
  const container = { name: "main", image, ...more };
  const manifest = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: pod },
    spec: { restartPolicy: "Never", containers: [container] },
  };
  const file = join(folder, `${pod}.json`);
  writeFileSync(file, JSON.stringify(manifest));
  assert.equal((await teal(folder, "apply", "-f", file)).code, 0);
  for (;;) {
    const { out } = await teal(folder, "get", "pod", pod);
    if (/Completed|Error|BackOff/.test(out)) break;
    await sleep(200);
  }
  return (await teal(folder, "logs", pod)).out;
}

function installs(...words: readonly string[]): boolean {
  try {
    execFileSync("python3", words, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe("images in pods", () => {
  it("of Node.js are built from a Dockerfile and find their files by absolute paths", async () => {
    const context = files("node", {
      Dockerfile: `FROM node:12.16.1-alpine3.10
ENV APP_USER node
ENV APP_HOME /app
RUN mkdir -p $APP_HOME && chown -R $APP_USER:$APP_USER $APP_HOME
USER $APP_USER
WORKDIR $APP_HOME
COPY package*.json .jshintrc $APP_HOME/
RUN npm install
COPY src $APP_HOME/src/
EXPOSE 3000
CMD ["node", "src/app.js"]
`,
      ".jshintrc": "{}",
      "package.json": '{"name": "app", "version": "1.0.0", "dependencies": {"local": "file:./src/local"}}',
      "src/local/package.json": '{"name": "local", "version": "1.0.0"}',
      "src/app.js":
        'console.log(process.env.APP_HOME, require("fs").readFileSync(process.argv[2] ?? "package.json", "utf8").length)',
    });
    const said = await build("web:1", context);
    assert.match(said, /asks for Node\.js 12: this machine has Node\.js \d+/);
    assert.match(await ran("web", "web:1"), /images\/built\/[^ ]+\/root\/app \d+/);
    assert.match(
      await ran("web-args", "web:1", { command: ["node", "/app/src/app.js", "/app/.jshintrc"] }),
      / 2$/m,
    );
  });

  const hasFlask =
    installs("-c", "import flask") || installs("-m", "pip", "download", "--no-deps", "-d", folder, "flask");
  it("of Python are built from a Dockerfile", {
    skip: hasFlask ? false : "this machine cannot install flask: no Python, or no registry",
  }, async () => {
    const context = files("flask", {
      Dockerfile: `FROM python:3.8-slim-buster
WORKDIR /app
COPY requirements.txt requirements.txt
RUN pip3 install --no-cache-dir -r requirements.txt
COPY . .
EXPOSE 5000
CMD ["python", "/app/app.py"]
`,
      "requirements.txt": "flask\n",
      "app.py": `from flask import Flask
import flask
app = Flask(__name__)
@app.route("/ping")
def ping():
    return "Hi, This code is develop by Prakash Kumar: 1"
print(flask.__file__, app.test_client().get("/ping").text)
`,
    });
    await build("pkw0301/app:1.0", context);
    assert.match(
      await ran("flask", "pkw0301/app:1.0"),
      /images\/built\/.*flask\/__init__\.py Hi, This code is develop by Prakash Kumar: 1/,
    );
  });

  it("of the program itself are there from the start", async () => {
    assert.match(
      await ran("itself", "ghcr.io/any/teal:1.0", { args: ["version", "--short"] }),
      /^\d+\.\d+\.\d+/,
    );
  });
});

describe("the registry of the cluster", () => {
  it("takes charts from helm and gives them back", async (test) => {
    const tools = toolFolder("v35");
    if ("missingBecause" in tools) return test.skip(tools.missingBecause);
    const helm = (...words: readonly string[]) =>
      run(join(tools.path, "helm"), words, { cwd: folder, env: { ...process.env, HOME: folder } });
    files("chart", {
      "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.2.3\n",
      "templates/a.yaml": "kind: ConfigMap",
    });
    await helm("package", "chart");
    const registryOf = `oci://localhost:${registry}/charts`;
    await helm("push", "web-1.2.3.tgz", registryOf, "--plain-http");
    const packed = readFileSync(join(folder, "web-1.2.3.tgz"));
    rmSync(join(folder, "web-1.2.3.tgz"));
    await helm("pull", `${registryOf}/web`, "--version", "1.2.3", "--plain-http");
    assert.deepEqual(readFileSync(join(folder, "web-1.2.3.tgz")), packed);
  });

  it("gives pods what was pushed, and keeps it when it is killed", async () => {
    await push("team/pushed", "1", "/hello.txt", "hello from the registry");
    const image = `localhost:${registry}/team/pushed:1`;
    assert.match((await teal(folder, "image", "list")).out, new RegExp(`${image} .*in the registry`));
    const { parts } = JSON.parse(readFileSync(dataFolder(join(folder, ".teal")).record, "utf8"));
    process.kill(parts.registry.pid, "SIGKILL");
    assert.equal(await ran("pushed", image), "hello from the registry");
    const url = `http://localhost:${registry}/v2/team/pushed/tags/list`;
    let answer: Response | undefined;
    while (answer === undefined) answer = await fetch(url).catch(() => sleep(100).then(() => undefined));
    assert.deepEqual(await answer.json(), { name: "team/pushed", tags: ["1"] });
  });
});

/** An image of one file, whose command shows it. */
async function push(repository: string, tag: string, path: string, text: string): Promise<void> {
  const content = files("rootfs", { [path]: text });
  const layer = execFileSync("tar", ["-C", content, "-cz", `.${path}`]);
  const base = `http://localhost:${registry}/v2/${repository}`;
  const blob = async (bytes: Buffer): Promise<object> => {
    const digest = `sha256:${(await import("node:crypto")).createHash("sha256").update(bytes).digest("hex")}`;
    const answer = await fetch(`${base}/blobs/uploads/?digest=${digest}`, {
      method: "POST",
      body: new Uint8Array(bytes),
    });
    assert.equal(answer.status, 201, await answer.text());
    return { digest, size: bytes.length };
  };
  const config = await blob(Buffer.from(JSON.stringify({ config: { Entrypoint: ["cat"], Cmd: [path] } })));
  const manifest = { schemaVersion: 2, config, layers: [await blob(layer)] };
  const answer = await fetch(`${base}/manifests/${tag}`, { method: "PUT", body: JSON.stringify(manifest) });
  assert.equal(answer.status, 201, await answer.text());
}
