import type { ChildProcess } from "node:child_process";
import { type Cancel, type Clock, later } from "../../time/clock.ts";
import type { ToPart } from "./messages.ts";

const beatSeconds = 1;
const mostUnanswered = 15;
/** A part that reads all of its data at the start does nothing else meanwhile. */
const mostUnansweredAtStart = 120;

/**
 * Tells whether a process still answers. What counts is how many beats in a row it has left unanswered, not the time that has
 * gone by: a suspended laptop, or a supervisor that gets no turn itself, sends none, and nobody is blamed for that.
 */
export class Heartbeat {
  /** The process has said that it is ready, and is to answer soon from now on. */
  isStarted = false;
  readonly #clock: Clock;
  readonly #child: ChildProcess;
  readonly #hangs: (reason: string) => void;
  #unanswered = 0;
  #cancel: Cancel = () => {};

  /** Calls `hangs` once, with the reason for people, when the process does not answer any more. */
  constructor(clock: Clock, child: ChildProcess, hangs: (reason: string) => void) {
    this.#clock = clock;
    this.#child = child;
    this.#hangs = hangs;
    this.#schedule();
  }

  answered(): void {
    this.#unanswered = 0;
  }

  stop(): void {
    this.#cancel();
  }

  #schedule(): void {
    this.#cancel = this.#clock.at(later(this.#clock.now(), beatSeconds), () => this.#beat());
  }

  #beat(): void {
    const limit = this.isStarted ? mostUnanswered : mostUnansweredAtStart;
    if (this.#unanswered >= limit) {
      this.#hangs(`it did not answer for ${limit * beatSeconds} s and was killed`);
      return;
    }
    this.#unanswered += 1;
    // One whose channel is closed is about to end, or will not: both is noticed here.
    if (this.#child.connected) this.#child.send({ is: "beat" } satisfies ToPart, () => undefined);
    this.#schedule();
  }
}
