import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { ManualClock } from "../../time/manual-clock.ts";
import { isFromPart } from "./messages.ts";
import { type Facts, type PartOptions, PartProcess } from "./part-process.ts";

const folder = mkdtempSync(join(tmpdir(), "teal-part-"));
after(() => rmSync(folder, { recursive: true }));

// Real processes, because that is what it is about; their time is the clock's.
function part(program: string, extra: Partial<PartOptions> = {}) {
  const clock = new ManualClock();
  const lines: string[] = [];
  let more = Promise.withResolvers<void>();
  const readies: Facts[] = [];
  let ends = 0;
  const happened = (): void => {
    more.resolve();
    more = Promise.withResolvers<void>();
  };
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await more.promise;
  };
  const running = new PartProcess({
    name: "part",
    command: [process.execPath, "-e", program],
    logFile: join(folder, "part.log"),
    clock,
    channel: {
      opened: (child) =>
        child.on("message", (message) => {
          if (isFromPart(message) && message.is === "ready") readies.push(message.facts);
          happened();
        }),
      received: () => undefined,
    },
    onProcess: (known) => {
      if (known === undefined) ends += 1;
      happened();
    },
    onRestart: (line) => {
      lines.push(line);
      happened();
    },
    ...extra,
  });
  return {
    part: running,
    clock,
    lines,
    /** Resolves when the part has ended for the n-th time. */
    ended: (n: number) => until(() => ends >= n),
    readies,
    readied: (n: number) => until(() => readies.length >= n),
    told: (n: number) => until(() => lines.length >= n),
  };
}

const answers =
  "process.on('message', ({is}) => is === 'stop' ? process.exit(0) : is === 'beat' && process.send({is: 'alive'}));";
const ready = "process.send({is: 'ready', facts: {port: '1'}});";
const dies = "setTimeout(() => process.kill(process.pid, 'SIGKILL'), 20);";
/** Programs that do something else at each start. */
const nth = (programs: readonly string[]) => `
  const fs = require('node:fs'), file = ${JSON.stringify(join(folder, "count"))} + process.ppid;
  fs.appendFileSync(file, 'x');
  const n = fs.statSync(file).size - 1;
  ${programs.map((program, index) => `if (n === ${index} || n >= ${index} && ${index === programs.length - 1}) { ${program} }`).join("\n")}`;

describe("a part of the cluster", () => {
  afterEach(() => rmSync(join(folder, `count${process.pid}`), { force: true }));

  it("is ready when it says so, and ends when it is asked to", async () => {
    const { part: running, lines } = part(answers + ready);
    assert.deepEqual(await running.start(), { port: "1" });
    await running.stop(10);
    assert.deepEqual(lines, []);
  });

  it("cannot be started when it says why, and is not tried again", async () => {
    const { part: running, lines } = part(
      "process.send({is: 'failed', reason: 'port 1 is taken'}, () => process.exit(1));",
    );
    await assert.rejects(running.start(), /^Error: part cannot start: port 1 is taken$/);
    assert.deepEqual(lines, []);
    await running.stop(10);
  });

  it("cannot be started when there is no such program", async () => {
    const { part: running, clock, ended } = part("", { command: [join(folder, "nothing")] });
    const started = assert.rejects(running.start(), /cannot start, 5 times in a row: spawn .*nothing ENOENT/);
    for (let n = 1; n < 5; n += 1) {
      await ended(n);
      await clock.advance(1);
    }
    await started;
  });

  it("is tried again five times when it ends before it is ready, ever later, and the cause is told once", async () => {
    const {
      part: running,
      clock,
      ended,
      lines,
    } = part("console.error(`no memory ${process.pid}`); process.exit(7);");
    const started = assert.rejects(
      running.start(),
      /cannot start, 5 times in a row: exit code 7, .*"no memory \d+"/,
    );
    for (const [index, seconds] of [0.1, 0.2, 0.4, 0.8].entries()) {
      await ended(index + 1);
      await clock.advance(seconds);
    }
    await started;
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /^part ended: exit code 7, .*"no memory \d+"\. It starts again in 0\.1 s/);
    await running.stop(10);
  });

  it("is started again at once when it is killed, and both is told", async () => {
    const { part: running, clock, lines, told } = part(nth([`${answers}${ready}${dies}`, answers + ready]));
    await running.start();
    await told(1);
    assert.match(lines[0] ?? "", /^part ended: killed by SIGKILL\. It starts again in 0\.1 s/);
    await clock.advance(0.1);
    await told(2);
    assert.equal(lines[1], "part is ready again");
    await running.stop(10);
  });

  it("is tried for ever once it was ready, each cause is told once, and that it is back", async () => {
    const fails = (why: string) => `process.send({is: 'failed', reason: '${why}'}, () => process.exit(1));`;
    const programs = [
      `${answers}${ready}${dies}`,
      ...Array.from({ length: 7 }, () => fails("port 1 is taken")),
      fails("no memory"),
      answers + ready,
    ];
    const { part: running, clock, lines, ended, told } = part(nth(programs));
    await running.start();
    for (let n = 1; n < programs.length; n += 1) {
      await ended(n);
      await clock.advance(Math.min(10, 0.1 * 2 ** (n - 1)));
    }
    await told(4);
    assert.deepEqual(
      lines.map((line) => line.replace(/ It starts.*/, "")),
      [
        "part ended: killed by SIGKILL.",
        "part ended: port 1 is taken.",
        "part ended: no memory.",
        "part is ready again",
      ],
    );
    await running.stop(10);
  });

  it("that never stays is told of once, and is back when it has stayed", async () => {
    const short = `${answers}${ready}${dies}`;
    const programs = [short, short, short, short, answers + ready];
    const { part: running, clock, lines, ended, readied } = part(nth(programs));
    await running.start();
    for (const [index, seconds] of [0.1, 0.2, 0.4, 0.8].entries()) {
      await ended(index + 1);
      await clock.advance(seconds);
    }
    await readied(5);
    await clock.advance(10);
    assert.deepEqual(
      lines.map((line) => line.replace(/ It starts.*/, "")),
      [
        "part ended: killed by SIGKILL.",
        "part is ready again",
        "part ended again: killed by SIGKILL.",
        "part is ready again",
      ],
    );
    await running.stop(10);
  });

  it("ends at once when it is stopped while it waits to be tried again", async () => {
    const { part: running, clock, lines, told } = part(`${answers}${ready}${dies}`);
    await running.start();
    await told(1);
    await running.stop(10);
    await clock.advance(60);
    assert.equal(lines.length, 1);
    assert.equal(clock.pending, 0);
  });

  it("has its first arguments only until it was ready", async () => {
    const program = `${answers} process.send({is: 'ready', facts: {extra: String(process.argv[1])}});`;
    const { part: running, clock, readies, told } = part(program + dies, { firstArguments: ["--", "mine"] });
    await running.start();
    await told(1);
    await clock.advance(0.1);
    await told(2);
    assert.deepEqual(
      readies.map(({ extra }) => extra),
      ["mine", "undefined"],
    );
    await running.stop(10);
  });

  it("is killed when it does not end in time", async () => {
    const { part: running, clock } = part(
      `process.on('message', ({is}) => is === 'beat' && process.send({is: 'alive'}));${ready}`,
    );
    await running.start();
    const stopped = running.stop(10);
    await clock.advance(10);
    await stopped;
  });

  it("is killed and started again when it does not answer any more, also while it is to stop", async () => {
    const { part: running, clock, lines, told } = part(`process.on('message', () => undefined);${ready}`);
    await running.start();
    await clock.advance(16);
    await told(1);
    assert.match(
      lines[0] ?? "",
      /^part ended: it did not answer for 15 s and was killed\. It starts again in 0\.1 s/,
    );
    await clock.advance(0.1);
    await told(2);
    const stopped = running.stop(1000);
    await clock.advance(16);
    await stopped;
  });
});
