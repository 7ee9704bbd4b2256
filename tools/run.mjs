// What `npm start`, `npm test` and the other scripts run: sets everything up that is not set up yet, then runs the command
// with the Node that Teal is made for. Plain JavaScript for Node 20, without dependencies.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const tool = (name) => join(root, "node_modules", ".bin", name);

/** What each command runs; arguments for Node, from the repository's root. */
const commands = {
  start: (rest) => [["bin/main.mjs", "start", ...rest]],
  test: (rest) => [["tools/gate.ts", ...rest]],
  format: (rest) => [[tool("biome"), "check", "--write", ...rest]],
  build: () => [[tool("tsc"), "-p", "tsconfig.build.json"]],
};

const [name = "", ...rest] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (command === undefined) {
  console.error(`usage: node tools/run.mjs ${Object.keys(commands).join("|")} [arguments]`);
  process.exit(2);
}
process.chdir(root);
await installDependencies();
const found = spawnSync(join(root, "tools", "find-node.sh"), {
  encoding: "utf8",
  stdio: ["ignore", "pipe", "inherit"],
});
if (found.status !== 0) process.exit(1);
const node = found.stdout.trim();
if (name === "build") rmSync("dist", { recursive: true, force: true });
for (const args of command(rest)) {
  const { code, signal } = await run(node, args);
  if (signal !== null) process.exit(128 + constants.signals[signal]);
  if (code !== 0) process.exit(code);
}
if (name === "build") copyData();

/** Installs what the lockfile says, unless that very lockfile is installed already. */
async function installDependencies() {
  const stamp = join("node_modules", ".installed-lockfile");
  const wanted = createHash("sha256").update(readFileSync("package-lock.json")).digest("hex");
  if (readIfThere(stamp) === wanted) return;
  const { code, output } = await withProgress(
    "Installing dependencies from package-lock.json",
    npm("ci", "--include=dev"),
  );
  if (code !== 0) {
    console.error(`${output.trimEnd()}\n"npm ci" has failed (exit code ${code}); the lines above say why.`);
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
}

function npm(...args) {
  const own = process.env["npm_execpath"] ?? "";
  const isNpm = own.endsWith("npm-cli.js");
  const child = isNpm
    ? spawn(process.execPath, [own, ...args], { stdio: ["ignore", "pipe", "pipe"] })
    : spawn("npm", args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

async function withProgress(what, work) {
  const { stderr } = process;
  const began = performance.now();
  const seconds = () => Math.round((performance.now() - began) / 1000);
  if (!stderr.isTTY) stderr.write(`${what} ...\n`);
  const timer = setInterval(
    () => stderr.write(stderr.isTTY ? `\r${what} ... ${seconds()} s` : `${what} ... ${seconds()} s\n`),
    stderr.isTTY ? 1000 : 10_000,
  );
  try {
    return await work;
  } finally {
    clearInterval(timer);
    stderr.write(`${stderr.isTTY ? "\r" : ""}${what}: ${seconds()} s\n`);
  }
}

/**
 * Runs Node until it ends. The channel tells the child when this process is killed, so that it can stop in good order too.
 */
function run(path, args) {
  const child = spawn(path, args, { stdio: ["inherit", "inherit", "inherit", "ipc"] });
  // A terminal sends Ctrl-C to the child as well; from anywhere else the signal reaches only this process.
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve({ code, signal }));
  });
}

/** The compiler leaves out the data files that the code reads at run time. */
function copyData() {
  for (const file of readdirSync("src", { recursive: true })) {
    if (file.endsWith(".json")) cpSync(join("src", file), join("dist", file));
  }
}

function readIfThere(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}
