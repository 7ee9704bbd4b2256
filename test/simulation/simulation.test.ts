import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, it } from "node:test";
import { isFull } from "../effort.ts";
import type { Violation } from "./judge.ts";
import { simulateAll } from "./pool.ts";
import { simulate } from "./simulate.ts";
import type { Story } from "./story.ts";

const count = isFull ? 1000 : 150;
const perTest = 50;

describe("whatever happens to a whole cluster, no rule is broken", () => {
  for (let from = 1; from <= count; from += perTest) {
    it(`in stories ${from} to ${from + perTest - 1}`, async (context) => {
      const seeds = Array.from({ length: perTest }, (_, n) => from + n);
      const wrong: string[] = [];
      let compared = 0;
      for await (const { seed, violations, isCompared } of simulateAll(seeds)) {
        if (isCompared) compared += 1;
        wrong.push(...complaints(violations).map((what) => `${seed}: ${what}`));
      }
      context.diagnostic(`the ends of ${compared} compared with the undisturbed run`);
      assert.ok(compared > perTest / 4, "many faults change nothing of what deeds meet");
      assert.deepEqual(wrong, [], "see them with: node test/simulation/run.ts --seed N --shrink");
    });
  }
});

// What was found once, cut down to what it needs: stories outlive the seeds that told them.
describe("what was once found stays mended", () => {
  for (const file of globSync(join(import.meta.dirname, "kept/*.json")).toSorted()) {
    const name = basename(file, ".json");
    it(name.replaceAll("-", " "), async () => {
      const story = JSON.parse(readFileSync(file, "utf8")) as Story;
      assert.deepEqual(complaints((await simulate(story)).violations), []);
    });
  }
});

/** What is wrong with the outcome of a story. */
function complaints(violations: readonly Pick<Violation, "rule" | "what">[]): readonly string[] {
  return violations.slice(0, 1).map(({ rule, what }) => `${rule}: ${what}`);
}
