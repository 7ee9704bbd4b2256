import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { spawn as spawnInTerminal } from "@lydell/node-pty";
import { kubectlBinary } from "./kubectl-binary.ts";
import { freePort, TealProcess, teal } from "./teal-process.ts";

// What goes on with a pod for as long as somebody likes: the real kubectl, the real API server, the real node.
const kubectl = kubectlBinary();
const folder = mkdtempSync(join(tmpdir(), "teal-streams-"));
const data = join(folder, "data");
const environment = { ...process.env, KUBECONFIG: join(data, "kubeconfig"), HOME: folder };
let cluster: TealProcess;

const server = `
const server = require("node:http").createServer((request, response) => response.end("hello " + request.url));
server.listen(8080, process.env.HOST, () => console.log("listening"));
`;

const pods = {
  apiVersion: "v1",
  kind: "List",
  items: [
    pod("web", [{ name: "web", image: "web:1", ports: [{ containerPort: 8080 }] }]),
    pod("two", [
      { name: "a", image: "web:1", command: ["sh", "-c", "echo one; echo two; sleep 1000"] },
      { name: "b", image: "web:1", command: ["sleep", "1000"] },
    ]),
    pod("waits", [{ name: "web", image: "no-such-image:1" }]),
  ],
};

function pod(name: string, containers: readonly object[]) {
  const spec = { terminationGracePeriodSeconds: 1, containers };
  return { apiVersion: "v1", kind: "Pod", metadata: { name }, spec };
}

interface Answer {
  readonly out: string;
  readonly error: string;
  readonly code: number | null;
}

async function run(
  args: readonly string[],
  input: string | Buffer = "",
  protocol: Protocol = "WebSocket",
): Promise<Answer> {
  assert.ok("path" in kubectl);
  const child = spawn(kubectl.path, args, { env: { ...environment, ...variablesOf(protocol) } });
  // One that does not read may be gone already.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [out, error] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { out, error, code: await ended };
}

type Protocol = "WebSocket" | "SPDY";

function variablesOf(protocol: Protocol): Readonly<Record<string, string>> {
  return protocol === "SPDY"
    ? { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "false", KUBECTL_PORT_FORWARD_WEBSOCKETS: "false" }
    : {};
}

describe("streams", { skip: "missingBecause" in kubectl ? kubectl.missingBecause : false }, () => {
  before(async () => {
    const image = join(folder, "image");
    mkdirSync(image);
    writeFileSync(join(image, "server.js"), server);
    writeFileSync(join(image, "teal-image.json"), JSON.stringify({ command: ["node", "server.js"] }));
    cluster = new TealProcess(["up", "--data", data, "--port", String(await freePort())], folder);
    await cluster.shown(/The cluster is up/);
    assert.equal((await teal(folder, "image", "add", "web:1", image, "--data", data)).code, 0);
    writeFileSync(join(folder, "pods.json"), JSON.stringify(pods));
    assert.equal((await run(["apply", "-f", join(folder, "pods.json")])).code, 0);
    const ready = await run(["wait", "--for=condition=Ready", "pod/web", "pod/two", "--timeout=60s"]);
    assert.equal(ready.code, 0, ready.error);
  });
  after(async () => {
    await cluster.interrupt();
    rmSync(folder, { recursive: true });
  });

  for (const protocol of ["WebSocket", "SPDY"] as const) {
    it(`of a command pass what is typed, what it writes and how it ends, over ${protocol}`, async () => {
      const command = ["sh", "-c", "cat; echo error >&2; exit 3"];
      assert.deepEqual(await run(["exec", "-i", "web", "--", ...command], "typed\n", protocol), {
        out: "typed\n",
        error: "error\ncommand terminated with exit code 3\n",
        code: 3,
      });
    });

    it(`of a command carry much both ways, over ${protocol}`, async () => {
      const much = Buffer.alloc(5_000_000, "x");
      const { out, code } = await run(["exec", "-i", "web", "--", "cat"], much, protocol);
      assert.equal(code, 0);
      assert.ok(out === much.toString());
    });

    it(`of a command in a terminal know its size and pass Ctrl-C, over ${protocol}`, async () => {
      assert.ok("path" in kubectl);
      const script = `trap "exit 5" INT; until [ "$(stty size)" = "31 91" ]; do sleep 0.05; done; echo sized; sleep 100 & wait`;
      const args = ["exec", "-it", "web", "--", "sh", "-c", script];
      const terminal = spawnInTerminal(kubectl.path, args, {
        cols: 90,
        rows: 30,
        env: { ...environment, ...variablesOf(protocol) },
      });
      let output = "";
      const { promise: sized, resolve } = Promise.withResolvers<void>();
      terminal.onData((piece) => {
        output += piece;
        if (output.includes("sized")) resolve();
      });
      const ended = new Promise<number>((done) => terminal.onExit(({ exitCode }) => done(exitCode)));
      terminal.resize(91, 31);
      await sized;
      terminal.write("\x03");
      assert.equal(await ended, 5, output);
    });

    it(`of a command that cannot be begun say why, over ${protocol}`, async () => {
      const missing = await run(["exec", "web", "--", "no-such-program"], "", protocol);
      assert.match(missing.error, /no-such-program/);
      assert.notEqual(missing.code, 0);
      assert.match(
        (await run(["exec", "waits", "--", "ls"], "", protocol)).error,
        /container not found \("web"\)/,
      );
    });
  }

  for (const protocol of ["WebSocket", "SPDY"] as const) {
    it(`of a forwarded port carry requests, also several at once, over ${protocol}`, async () => {
      assert.ok("path" in kubectl);
      const child = spawn(kubectl.path, ["port-forward", "pod/web", ":8080"], {
        env: { ...environment, ...variablesOf(protocol) },
      });
      let output = "";
      const { promise: ready, resolve } = Promise.withResolvers<string>();
      child.stdout.on("data", (piece) => {
        output += String(piece);
        const port = /127\.0\.0\.1:(\d+) -> 8080/.exec(output)?.[1];
        if (port !== undefined) resolve(port);
      });
      const port = await ready;
      const paths = Array.from({ length: 30 }, (_, index) => `/${index}`);
      const answers = await Promise.all(
        paths.map(async (path) => (await fetch(`http://127.0.0.1:${port}${path}`)).text()),
      );
      assert.deepEqual(
        answers,
        paths.map((path) => `hello ${path}`),
      );
      const ended = once(child, "close");
      child.kill("SIGINT");
      await ended;
    });
  }

  it("of logs know their lines' times, and those of several containers", async () => {
    const { out } = await run(["logs", "two", "--all-containers", "--prefix", "--timestamps"]);
    assert.match(
      out,
      /^\[pod\/two\/a\] \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z one\n\[pod\/two\/a\] .* two\n$/,
    );
    assert.equal((await run(["logs", "two", "-c", "a", "--since-time", "2999-01-01T00:00:00Z"])).out, "");
    assert.equal((await run(["logs", "two", "-c", "a", "--tail=1"])).out, "two\n");
  });

  it("of a container's own program are passed from now on, until it ends", async () => {
    const attached = run(["attach", "two", "-c", "a"]);
    await run(["delete", "pod", "two", "--wait=false"]);
    assert.equal((await attached).out, "");
    assert.match(
      (await run(["attach", "-i", "web"])).error,
      /leave out -i and -t, or run a program beside it/,
    );
  });

  it("are refused for what is not there, as a real API server refuses them", async () => {
    const refused = async (...args: readonly string[]) => (await run(args)).error;
    assert.equal(
      await refused("exec", "nope", "--", "ls"),
      'Error from server (NotFound): pods "nope" not found\n',
    );
    assert.equal(
      await refused("exec", "web", "-c", "nope", "--", "ls"),
      "Error from server (BadRequest): container nope is not valid for pod web\n",
    );
    assert.equal(
      await refused("get", "--raw", "/api/v1/namespaces/default/pods/web/exec"),
      "Error from server (BadRequest): Upgrade request required\n",
    );
  });

  it("copy files and folders both ways", async () => {
    const from = join(folder, "from");
    mkdirSync(join(from, "deep"), { recursive: true });
    writeFileSync(join(from, "deep", "file"), "content");
    const there = join(folder, "there");
    assert.equal((await run(["cp", from, `web:${there}`])).error, "");
    assert.equal((await run(["exec", "web", "--", "cat", join(there, "deep/file")])).out, "content");
    assert.equal((await run(["cp", `web:${there}`, join(folder, "back")])).code, 0);
    assert.equal((await run(["exec", "web", "--", "cat", join(folder, "back/deep/file")])).out, "content");
  });
});
