import { parseArgs } from "node:util";
import { simulateAll } from "./pool.ts";
import { shrink } from "./shrink.ts";
import { simulate } from "./simulate.ts";
import { storyOf, tell } from "./story.ts";

// node test/simulation/run.ts --seed 7       tells the story of a seed, and what came of it
//   --shrink   cuts it down to what is needed for its first fault
//   --log      shows what the controller told
//   --json     gives the story as a test to be kept, for test/simulation/kept/
// node test/simulation/run.ts --from 1 --count 500   plays many, and names those in which a rule was broken

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    from: { type: "string", default: "1" },
    count: { type: "string", default: "100" },
    log: { type: "boolean", default: false },
    shrink: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

if (values.seed === undefined) await playMany(Number(values.from), Number(values.count));
else await playOne(Number(values.seed));

async function playOne(seed: number): Promise<void> {
  const told = storyOf(seed);
  const [found] = values.shrink ? (await simulate(told)).violations : [];
  const story = found === undefined ? told : await shrink(told, found.rule);
  if (values.json) {
    say(JSON.stringify(story, undefined, 2));
    return;
  }
  say(tell(story));
  const { violations, writes, log } = await simulate(story);
  if (values.log) say(log.join("\n"));
  for (const { rule, what, at } of violations) say(`✖ ${rule} (${new Date(at).toISOString()}): ${what}`);
  say(`${writes} writes`);
}

async function playMany(from: number, count: number): Promise<void> {
  const started = performance.now();
  const seeds = Array.from({ length: count }, (_, n) => from + n);
  const byRule = new Map<string, number[]>();
  let compared = 0;
  for await (const { seed, violations, isCompared } of simulateAll(seeds)) {
    if (isCompared) compared += 1;
    const [first] = violations;
    if (first === undefined) continue;
    say(`${seed} ✖ ${first.rule}: ${first.what}`);
    byRule.set(first.rule, [...(byRule.get(first.rule) ?? []), seed]);
  }
  const seconds = (performance.now() - started) / 1000;
  say(`${count} seeds in ${seconds.toFixed(1)} s, the ends of ${compared} compared with the undisturbed run`);
  for (const [rule, found] of byRule) say(`${rule}: ${found.toSorted((a, b) => a - b).join(" ")}`);
}
