import type { Violation } from "./judge.ts";
import { play } from "./play.ts";
import type { Story } from "./story.ts";

export interface Result {
  readonly violations: readonly Violation[];
  /** Whether the faults left every deed what it is without them, so that the ends could be compared. */
  readonly isCompared: boolean;
  readonly writes: number;
  readonly log: readonly string[];
}

/** Plays the story with its faults; and without them, as the end must be the same where the deeds met the same things. */
export async function simulate(story: Story): Promise<Result> {
  const disturbed = await play(story, { faults: true });
  const { violations, writes, log } = disturbed;
  if (violations.length > 0) return { violations, isCompared: false, writes, log };
  const undisturbed = await play(story, { faults: false });
  const isCompared = JSON.stringify(undisturbed.pictures) === JSON.stringify(disturbed.pictures);
  const isSame = !isCompared || undisturbed.end === disturbed.end;
  return {
    violations: [
      ...undisturbed.violations,
      ...(isSame
        ? []
        : [
            {
              rule: "faults leave no trace",
              at: 0 as Violation["at"],
              what: difference(undisturbed.end, disturbed.end),
            },
          ]),
    ],
    isCompared,
    writes,
    log,
  };
}

function difference(undisturbed: string, disturbed: string): string {
  return `the end is\n${disturbed}\nand without faults it is\n${undisturbed}`;
}
