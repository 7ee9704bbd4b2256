import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "../time/manual-clock.ts";
import type { Terminal } from "./terminal.ts";
import { Waiting } from "./waiting.ts";

function bed(interactive: boolean, worthSeconds = 0) {
  const clock = new ManualClock();
  const written: string[] = [];
  const terminal: Terminal = {
    out: () => assert.fail("progress is no output"),
    error: (text) => written.push(text),
    outliveReaders: () => undefined,
    read: () => Promise.resolve(""),
    interactive,
    colours: false,
    interrupted: new AbortController().signal,
  };
  return { clock, written, waiting: new Waiting(terminal, clock, worthSeconds) };
}

describe("waiting, where nobody looks at a terminal", () => {
  it("tells now and then what is waited for and how long, and in the end how long it took", async () => {
    const { clock, written, waiting } = bed(false);
    const { promise, resolve } = Promise.withResolvers<string>();
    const answer = waiting.during("the node", promise, () => "1 of 2");
    await clock.advance(7.5);
    resolve("ready");
    assert.equal(await answer, "ready");
    assert.deepEqual(written, [
      "  waiting for the node ... 2 s (1 of 2)\n",
      "  waiting for the node ... 7 s (1 of 2)\n",
      "✔ the node (7.5 s)\n",
    ]);
    assert.equal(clock.pending, 0);
  });

  it("says nothing of a wait that is too short to matter", async () => {
    const { written, waiting } = bed(false, 1);
    await waiting.during("the node", Promise.resolve());
    assert.deepEqual(written, []);
  });

  it("marks a wait that has failed, and hands on why", async () => {
    const { written, waiting } = bed(false);
    await assert.rejects(waiting.during("the node", Promise.reject(new Error("gone"))), /gone/);
    assert.deepEqual(written, ["✘ the node (0.0 s)\n"]);
  });
});

describe("waiting, on a terminal", () => {
  it("draws all waits into one line, and lines that stay above it", async () => {
    const { clock, written, waiting } = bed(true);
    const first = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    const both = [waiting.during("node", first.promise), waiting.during("traffic", second.promise)];
    await clock.advance(1);
    assert.equal(written.at(-1), "\r\u001b[K  waiting for node ... 1 s, traffic ... 1 s");
    written.length = 0;
    first.resolve();
    await both[0];
    assert.deepEqual(written, ["\r\u001b[K", "✔ node (1.0 s)\n", "\r\u001b[K  waiting for traffic ... 1 s"]);
    second.resolve();
    await both[1];
    assert.equal(clock.pending, 0);
  });
});
