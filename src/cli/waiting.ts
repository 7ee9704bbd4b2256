import { type Cancel, type Clock, type Instant, later } from "../time/clock.ts";
import type { Terminal } from "./terminal.ts";

const redrawSeconds = 0.1;
/** Where nobody looks at a terminal: seconds until a wait is told of at first, and again. */
const firstLineSeconds = 2;
const nextLineSeconds = 5;
const clearLine = "\r\u001b[K";

interface Wait {
  readonly what: string;
  readonly since: Instant;
  readonly detail: () => string;
  nextLineAt: Instant;
}

/**
 * Shows what is waited for and how long already: on a terminal in one line that is drawn over, otherwise as plain lines.
 * A wait leaves one line when it is over, unless it was shorter than `worthSeconds`.
 */
export class Waiting {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #worthSeconds: number;
  readonly #waits = new Set<Wait>();
  #cancel: Cancel | undefined;

  constructor(terminal: Terminal, clock: Clock, worthSeconds = 0) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#worthSeconds = worthSeconds;
  }

  /** `what` follows "waiting for"; `detail` is asked again and again for what is there so far. */
  async during<T>(what: string, work: Promise<T>, detail: () => string = () => ""): Promise<T> {
    const since = this.#clock.now();
    const wait = { what, since, detail, nextLineAt: later(since, firstLineSeconds) };
    this.#waits.add(wait);
    this.#draw();
    try {
      const result = await work;
      this.#end(wait, "✔");
      return result;
    } catch (error) {
      this.#end(wait, "✘");
      throw error;
    }
  }

  /** Writes a line that stays. */
  say(line: string): void {
    this.#clear();
    this.#terminal.error(`${line}\n`);
    this.#draw();
  }

  #end(wait: Wait, icon: string): void {
    this.#clear();
    this.#waits.delete(wait);
    const isWorthIt = this.#clock.now() >= later(wait.since, this.#worthSeconds);
    if (isWorthIt) this.#terminal.error(`${icon} ${wait.what} (${this.#secondsOf(wait).toFixed(1)} s)\n`);
    this.#draw();
  }

  #clear(): void {
    if (this.#terminal.interactive && this.#waits.size > 0) this.#terminal.error(clearLine);
  }

  #draw(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#waits.size === 0) return;
    if (this.#terminal.interactive) this.#drawOver();
    else this.#writeDue();
    this.#cancel = this.#clock.at(later(this.#clock.now(), redrawSeconds), () => this.#draw());
  }

  #drawOver(): void {
    const texts = [...this.#waits].map((wait) => this.#textOf(wait));
    this.#terminal.error(`${clearLine}  waiting for ${texts.join(", ")}`);
  }

  #writeDue(): void {
    const now = this.#clock.now();
    for (const wait of this.#waits) {
      if (now < wait.nextLineAt) continue;
      wait.nextLineAt = later(now, nextLineSeconds);
      this.#terminal.error(`  waiting for ${this.#textOf(wait)}\n`);
    }
  }

  #textOf(wait: Wait): string {
    const detail = wait.detail();
    return `${wait.what} ... ${Math.floor(this.#secondsOf(wait))} s${detail === "" ? "" : ` (${detail})`}`;
  }

  #secondsOf({ since }: Wait): number {
    return (this.#clock.now() - since) / 1000;
  }
}
