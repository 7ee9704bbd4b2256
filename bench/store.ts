// Memory of the embedded cluster's API server under what costs most of it: large patches, watchers that never read, and a watch
// that begins with very many objects. Run with `node bench/store.ts [large-patches|dead-watchers|large-watch|append]`; takes
// about two minutes. `--root FOLDER` measures another checkout of Teal, for a comparison.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Agent, type RequestOptions, request } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { SystemClock } from "../src/time/system-clock.ts";

const megabyte = 1_000_000;
const configMaps = "/api/v1/namespaces/default/configmaps";
const { values, positionals } = parseArgs({
  options: { root: { type: "string", default: join(import.meta.dirname, "..") } },
  allowPositionals: true,
});
const root = resolve(values.root);

class Server {
  readonly #folder = mkdtempSync(join(tmpdir(), "teal-bench-store-"));
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });
  #child: ChildProcess | undefined;
  #port = 0;
  #token = "";
  mostResident = 0;

  async start(): Promise<void> {
    this.#port = await freePort();
    const args = [
      join(root, "bin/main.mjs"),
      "api-server",
      "--data",
      this.#folder,
      "--port",
      String(this.#port),
    ];
    this.#child = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const [message] = await once(this.#child, "message");
    if (message.is !== "ready") throw new Error(message.reason);
    this.#token = readFileSync(join(this.#folder, "pki/token"), "utf8").trim();
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    this.#child?.kill("SIGKILL");
    if (this.#child?.exitCode === null) await once(this.#child, "exit");
    rmSync(this.#folder, { recursive: true });
  }

  options(method: string, path: string, contentType = "application/json"): RequestOptions {
    const headers = { authorization: `Bearer ${this.#token}`, "content-type": contentType };
    return { port: this.#port, host: "127.0.0.1", method, path, headers, rejectUnauthorized: false };
  }

  send(method: string, path: string, body?: unknown, contentType?: string): Promise<number> {
    return new Promise((settle, fail) => {
      const sent = request({ ...this.options(method, path, contentType), agent: this.#agent }, (response) => {
        response.resume().on("end", () => settle(response.statusCode ?? 0));
      });
      sent.on("error", fail);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** Bytes that the process has in memory now. */
  resident(): number {
    const status = readFileSync(`/proc/${this.#child?.pid}/status`, "utf8");
    const resident = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
    this.mostResident = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) * 1024;
    return resident;
  }

  /** Processor time that the process has used so far. */
  seconds(): number {
    const stat = readFileSync(`/proc/${this.#child?.pid}/stat`, "utf8");
    const [user, system] = stat.slice(stat.lastIndexOf(")")).split(" ").slice(12, 14);
    return (Number(user) + Number(system)) / 100;
  }

  /** Opens a watch. */
  watch(query: string): Promise<IncomingMessage> {
    return new Promise((settle, fail) => {
      const sent = request(
        { ...this.options("GET", `${configMaps}?watch=1&${query}`), agent: false },
        settle,
      );
      sent.on("error", fail);
      sent.end();
    });
  }
}

const configMap = (name: string, length: number, fill = "x"): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data: { text: fill.repeat(length) },
});

const inMegabytes = (bytes: number): string => `${(bytes / megabyte).toFixed(0)} MB`;

const benches: Readonly<Record<string, (server: Server) => Promise<void>>> = {
  async "large-patches"(server) {
    await server.send("POST", configMaps, configMap("large", megabyte));
    const before = server.resident();
    const began = server.seconds();
    for (let round = 0; round < 600; round += 1) {
      const data = { text: String.fromCharCode(97 + (round % 26)).repeat(megabyte) };
      await server.send("PATCH", `${configMaps}/large`, { data }, "application/merge-patch+json");
    }
    const seconds = server.seconds() - began;
    const after = server.resident();
    console.log(
      `600 patches of 1 MB: ${inMegabytes(before)} before, ${inMegabytes(after)} after, ` +
        `${inMegabytes(server.mostResident)} at most, ${seconds.toFixed(1)} s of processor time`,
    );
  },

  async "dead-watchers"(server) {
    await server.send("POST", configMaps, configMap("written", 100_000));
    const before = server.resident();
    const watches = await Promise.all(Array.from({ length: 200 }, () => server.watch("")));
    for (const watch of watches) {
      watch.on("error", () => undefined);
      watch.pause();
    }
    const opened = server.resident();
    const began = server.seconds();
    for (let round = 0; round < 1000; round += 1)
      await server.send("PUT", `${configMaps}/written`, configMap("written", 100_000, String(round % 10)));
    const seconds = server.seconds() - began;
    const after = server.resident();
    for (const watch of watches) watch.destroy();
    console.log(
      `200 watchers that never read, 1000 writes of 100 kB: ${inMegabytes(before)} before, ${inMegabytes(opened)} with ` +
        `the watches open, ${inMegabytes(after)} after, ${inMegabytes(server.mostResident)} at most, ${seconds.toFixed(1)} s of processor time`,
    );
  },

  async "large-watch"(server) {
    const count = 10_000;
    const names = Array.from({ length: count }, (_, index) => `large-${String(index).padStart(5, "0")}`);
    const queue = names.values();
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (const name of queue) await server.send("POST", configMaps, configMap(name, 15_000));
      }),
    );
    const before = server.resident();
    const began = performance.now();
    const watch = await server.watch(
      "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
    );
    let events = 0;
    let isWhole = false;
    try {
      for await (const line of createInterface({ input: watch })) {
        events += 1;
        isWhole = line.startsWith('{"type":"BOOKMARK"');
        if (isWhole) break;
      }
    } catch (error) {
      console.log(`  cut off: ${(error as Error).message}`);
    }
    watch.destroy();
    const seconds = (performance.now() - began) / 1000;
    console.log(
      `a watch of ${count} objects of 15 kB: ${isWhole ? "whole" : `ended after ${events} events`}, ${seconds.toFixed(1)} s, ` +
        `${inMegabytes(before)} before, ${inMegabytes(server.resident())} after, ${inMegabytes(server.mostResident)} at most`,
    );
    const listed = performance.now();
    const code = await server.send("GET", configMaps);
    console.log(
      `a list of them: ${code}, ${((performance.now() - listed) / 1000).toFixed(1)} s, ` +
        `${inMegabytes(server.resident())} after, ${inMegabytes(server.mostResident)} at most`,
    );
  },
};

/** Writes of the store alone, without HTTP: microseconds each. */
async function append(): Promise<void> {
  const at = (path: string): string => pathToFileURL(join(root, "src/cluster/store", path)).href;
  const { FileJournal } = await import(at("file-journal.ts"));
  const { Store } = await import(at("store.ts"));
  for (const length of [300, 15_000]) {
    const rounds: number[] = [];
    for (let round = 0; round < 7; round += 1) {
      const folder = mkdtempSync(join(tmpdir(), "teal-bench-append-"));
      const store = new Store({ journal: new FileJournal(folder, { clock: new SystemClock() }) });
      const writes = length < 1000 ? 20_000 : 1500;
      const objects = Array.from({ length: writes }, (_, index) => ({
        ...configMap(`a${index % 100}`, length),
        metadata: { name: `a${index % 100}`, namespace: "default" },
      }));
      const began = performance.now();
      for (const object of objects) store.put("configmaps", object);
      rounds.push(((performance.now() - began) * 1000) / writes);
      store.close();
      rmSync(folder, { recursive: true });
      await new Promise((settle) => setImmediate(settle));
    }
    const median = rounds.toSorted((a, b) => a - b)[3];
    console.log(`a write of ${length} bytes: ${median?.toFixed(1)} µs (median of ${rounds.length})`);
  }
}

function freePort(): Promise<number> {
  return new Promise((settle) => {
    const probe = createServer();
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => settle(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

const wanted = positionals.length > 0 ? positionals : [...Object.keys(benches), "append"];
for (const name of wanted) {
  if (name === "append") {
    await append();
    continue;
  }
  const bench = benches[name];
  if (bench === undefined) throw new Error(`no bench is named ${name}`);
  const server = new Server();
  await server.start();
  try {
    await bench(server);
  } finally {
    await server.stop();
  }
}
