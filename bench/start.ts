// What Teal costs before it does anything: the processor time of `teal version` beside that of `node -e 0`, many times in turns, and
// the memory of an embedded cluster with nothing in it. Run with `node bench/start.ts`; takes about a minute. Exit code 1 when the
// start costs more than six times `node -e 0`.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readRecord } from "../src/cluster/supervisor/cluster-record.ts";
import { dataFolder } from "../src/cluster/supervisor/data-folder.ts";
import { later } from "../src/time/clock.ts";
import { pause } from "../src/time/pause.ts";
import { SystemClock } from "../src/time/system-clock.ts";
import { freePort } from "../test/acceptance/teal-process.ts";

const mostTimes = 6;
/** Of each program in each turn: a clock of the kernel ticks a hundred times a second. */
const startsPerTurn = 10;
const restWindowSeconds = 2;
const restShare = 0.02;
const ticksPerSecond = 100;
const clock = new SystemClock();
const teal = join(import.meta.dirname, "../bin/teal");

const { values } = parseArgs({
  options: { turns: { type: "string", default: "5" }, port: { type: "string" } },
});
const turns = Number(values.turns);
if (!Number.isInteger(turns) || turns < 1) throw new RangeError("--turns: must be a whole number from 1 on");

const ratio = startRatio();
await idleMemory();
process.exitCode = ratio > mostTimes ? 1 : 0;

/** How many times `node -e 0`, of the Node that runs this, `teal version` costs with everything that it starts. */
function startRatio(): number {
  const bare: number[] = [];
  const own: number[] = [];
  // The first start fills the cache of compiled code.
  const first = processorSeconds(1, teal, "version");
  for (let turn = 0; turn < turns; turn++) {
    bare.push(processorSeconds(startsPerTurn, process.execPath, "-e", "0"));
    own.push(processorSeconds(startsPerTurn, teal, "version"));
  }
  const [bareMean, ownMean] = [mean(bare), mean(own)];
  console.log(`node -e 0                ${(bareMean * 1000).toFixed(0)} ms of processor time`);
  console.log(
    `teal version             ${(ownMean * 1000).toFixed(0)} ms, ${(ownMean / bareMean).toFixed(1)} times`,
  );
  console.log(`the first one of this run  ${(first * 1000).toFixed(0)} ms`);
  return ownMean / bareMean;
}

/** Of one of `count` runs, its children included. A shell adds it up. */
function processorSeconds(count: number, ...command: readonly string[]): number {
  const script = `n=${count}; while [ $n -gt 0 ]; do "$@" >/dev/null; n=$((n-1)); done; times`;
  const text = execFileSync("sh", ["-c", script, "sh", ...command], { encoding: "utf8" });
  // The second line is that of the children.
  const [user = "", system = ""] = (text.trim().split("\n")[1] ?? "").split(" ");
  return (secondsOf(user) + secondsOf(system)) / count;
}

/** `0m1.250000s` */
function secondsOf(text: string): number {
  const [, minutes, seconds] = /^(\d+)m([\d.]+)s$/.exec(text) ?? [];
  if (minutes === undefined) throw new Error(`no time of a shell: ${text}`);
  return Number(minutes) * 60 + Number(seconds);
}

function mean(all: readonly number[]): number {
  return all.reduce((sum, one) => sum + one, 0) / all.length;
}

/** Twice: with the cache of compiled code as it was, and with one that knows all parts. */
async function idleMemory(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "teal-start-"));
  const data = dataFolder(join(folder, ".teal"));
  const port = values.port ?? String(await freePort());
  try {
    for (const which of ["first start", "second start"]) {
      execFileSync(teal, ["up", "--background", "--data", data.path, "--port", port], { stdio: "ignore" });
      const processes = processesOf(data.record);
      await rest(processes.map(([, pid]) => pid));
      console.log(`\nidle cluster, ${which}    resident  (counted once where shared)`);
      const rows = processes.map(([name, pid]) => [name, memoryOf(pid)] as const);
      for (const [name, { rss, pss }] of rows) console.log(line(name, rss, pss));
      const sum = (of: "rss" | "pss"): number => rows.reduce((all, [, memory]) => all + memory[of], 0);
      console.log(line("all", sum("rss"), sum("pss")));
      execFileSync(teal, ["down", "--data", data.path], { stdio: "ignore" });
    }
  } finally {
    execFileSync(teal, ["down", "--data", data.path], { stdio: "ignore" });
    rmSync(folder, { recursive: true });
  }
}

function line(name: string, rss: number, pss: number): string {
  return `${name.padEnd(12)}${rss.toFixed(0).padStart(20)} MB ${pss.toFixed(0).padStart(12)} MB`;
}

function processesOf(record: string): readonly (readonly [string, number])[] {
  const { supervisor, parts } = readRecord(record) ?? { parts: {} };
  if (supervisor === undefined) throw new Error(`no supervisor in ${record}`);
  return [
    ["supervisor", supervisor.pid],
    ...Object.entries(parts).map(([name, { pid }]) => [name, pid] as const),
  ];
}

function memoryOf(pid: number): { readonly rss: number; readonly pss: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const megabytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? Number.NaN) / 1024;
  return { rss: megabytes("Rss"), pss: megabytes("Pss") };
}

/** Until none of them does anything that counts. */
async function rest(pids: readonly number[]): Promise<void> {
  for (let before = ticksOf(pids); ; ) {
    await pause(clock, later(clock.now(), restWindowSeconds));
    const now = ticksOf(pids);
    if ((now - before) / ticksPerSecond / restWindowSeconds < restShare * pids.length) return;
    before = now;
  }
}

function ticksOf(pids: readonly number[]): number {
  const all = pids.map((pid) => {
    // The name, in brackets, may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return Number(fields[11]) + Number(fields[12]);
  });
  return all.reduce((sum, one) => sum + one, 0);
}
