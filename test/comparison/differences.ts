import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { Topic } from "./case-files.ts";
import type { Answer } from "./play.ts";

/** Why some command lines answer otherwise than on a real cluster. */
export interface Difference {
  readonly reason: string;
  /** `case: command line`, in which `*` stands for any text. */
  readonly where: readonly string[];
}

const file = join(import.meta.dirname, "differences.yaml");
const document = join(import.meta.dirname, "../../docs/embedded-cluster.md");

export function readDifferences(): readonly Difference[] {
  return parse(readFileSync(file, "utf8")) as Difference[];
}

/** The difference that a command line of a case is known to have. */
export function knownDifference(
  all: readonly Difference[],
  name: string,
  line: string,
): Difference | undefined {
  return all.find(({ where }) => where.some((pattern) => matches(pattern, `${name}: ${line}`)));
}

/** Patterns that no command line has. */
export function idlePatterns(all: readonly Difference[], topics: readonly Topic[]): readonly string[] {
  const lines = topics.flatMap(({ cases }) =>
    cases.flatMap(({ name, run }) =>
      run.filter((line) => typeof line === "string").map((line) => `${name}: ${line}`),
    ),
  );
  return all.flatMap(({ where }) => where).filter((pattern) => !lines.some((line) => matches(pattern, line)));
}

function matches(pattern: string, text: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(text);
}

/** What was expected and what came, line by line; empty when they are the same. */
export function difference(expected: Answer, actual: Answer): string {
  const texts = (answer: Answer): string[] => [
    `exit code ${answer.code}`,
    ...answer.out.split("\n"),
    ...answer.err.split("\n").map((line) => `! ${line}`),
  ];
  return changedLines(texts(expected), texts(actual)).join("\n");
}

/** The longest common part stays out, but for a line before each change. */
function changedLines(before: readonly string[], after: readonly string[]): string[] {
  const lengths = Array.from({ length: before.length + 1 }, () =>
    Array.from({ length: after.length + 1 }, () => 0),
  );
  const lengthAt = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  for (let i = before.length - 1; i >= 0; i -= 1) {
    const row = lengths[i] ?? [];
    for (let j = after.length - 1; j >= 0; j -= 1)
      row[j] =
        before[i] === after[j]
          ? lengthAt(i + 1, j + 1) + 1
          : Math.max(lengthAt(i + 1, j), lengthAt(i, j + 1));
  }
  const changes: string[] = [];
  let i = 0;
  let j = 0;
  let common: string | undefined;
  const change = (text: string): void => {
    if (common !== undefined) changes.push(`  ${common}`);
    common = undefined;
    changes.push(text);
  };
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      common = before[i];
      i += 1;
      j += 1;
    } else if (j >= after.length || (i < before.length && lengthAt(i + 1, j) >= lengthAt(i, j + 1))) {
      change(`- ${before[i]}`);
      i += 1;
    } else {
      change(`+ ${after[j]}`);
      j += 1;
    }
  }
  return changes;
}

const [begin, end] = ["<!-- differences: written by test/comparison/main.ts document -->", "<!-- end -->"];

/** The document with the list of differences as it should be. */
export function documentWith(all: readonly Difference[]): string {
  const text = readFileSync(document, "utf8");
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${document} has no ${begin} … ${end}`);
  const examples = (where: readonly string[]): string =>
    where
      .map((pattern) => `\`${pattern.replace(/^[^:]*: /, "").replaceAll("*", "…")}\``)
      .slice(0, 3)
      .join(", ");
  const rows = all.map(
    ({ reason, where }) => `| ${reason.trim().replaceAll(/\s+/g, " ")} | ${examples(where)} |`,
  );
  return [
    `${before}${begin}`,
    "| what is otherwise, and why | for example |",
    "|---|---|",
    ...rows,
    `${end}${after}`,
  ].join("\n");
}

export function readDocument(): string {
  return readFileSync(document, "utf8");
}

export function writeDocument(): void {
  writeFileSync(document, documentWith(readDifferences()));
}
