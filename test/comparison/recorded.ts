import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { type ToolSet, toolSets } from "../acceptance/kubectl-binary.ts";
import type { Topic } from "./case-files.ts";
import type { Answer } from "./play.ts";

/** Answers of a real cluster, by the name of their case. */
export type Recorded = Readonly<Record<string, readonly Answer[]>>;

const folder = join(import.meta.dirname, "recorded");
const fileOf = (topic: string, set: ToolSet): string => join(folder, `${topic}.${set}.yaml`);

/** What was recorded with these tools; what is not written down for an older set is as for the newest. */
export function readRecorded(topic: Topic, set: ToolSet): Recorded {
  const newest = readFile(topic.name, toolSets[0]);
  return set === toolSets[0] ? newest : { ...newest, ...readFile(topic.name, set) };
}

/** Writes down the answers of these cases, and drops those of cases that are no more. */
export function writeRecorded(topic: Topic, set: ToolSet, answers: Recorded): void {
  const isNewest = set === toolSets[0];
  const newest = isNewest ? {} : readFile(topic.name, toolSets[0]);
  const all = { ...readFile(topic.name, set), ...answers };
  const kept = topic.cases
    .map(({ name }) => [name, all[name]] as const)
    .filter(([name, one]) => one !== undefined && JSON.stringify(one) !== JSON.stringify(newest[name]));
  if (kept.length === 0 && !existsSync(fileOf(topic.name, set))) return;
  writeFileSync(fileOf(topic.name, set), stringify(Object.fromEntries(kept), { lineWidth: 0 }));
}

function readFile(topic: string, set: ToolSet): Recorded {
  const file = fileOf(topic, set);
  return existsSync(file) ? ((parse(readFileSync(file, "utf8")) ?? {}) as Recorded) : {};
}
