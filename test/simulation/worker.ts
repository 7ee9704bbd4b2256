import assert from "node:assert/strict";
import { parentPort } from "node:worker_threads";
import type { Violation } from "./judge.ts";
import { simulate } from "./simulate.ts";
import { storyOf } from "./story.ts";

export interface Report {
  readonly seed: number;
  readonly violations: readonly Pick<Violation, "rule" | "what">[];
  readonly isCompared: boolean;
}

const port = parentPort;
assert(port !== null, "this is a worker's program");
port.on("message", (seed: number) => {
  void reportOf(seed).then((report) => port.postMessage(report));
});

async function reportOf(seed: number): Promise<Report> {
  try {
    const { violations, isCompared } = await simulate(storyOf(seed));
    return { seed, violations, isCompared };
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { seed, violations: [{ rule: "it can be played", what }], isCompared: false };
  }
}
