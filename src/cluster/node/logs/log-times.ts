import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { type Instant, instant } from "../../../time/clock.ts";

/** More are thinned out: of the older half, every second one goes. */
const mostTimes = 20_000;

/**
 * When each part of a log was written, as far as the node saw it grow: a container writes into its log itself, without times.
 * Bytes are counted from the log's first one, whatever has been cut off since. Kept beside the log, in `<log>.times`: a line
 * `<first byte of the file> <first byte that is kept>`, then lines `<end> <milliseconds>`, one for each time that it had grown.
 */
export class LogTimes {
  readonly #path: string;
  #ends: number[] = [];
  #moments: number[] = [];
  #base = 0;
  #kept = 0;
  #isWritten = false;

  constructor(logPath: string) {
    this.#path = `${logPath}.times`;
    const [head, ...lines] = textIn(this.#path).split("\n");
    if (head === undefined || head === "") return;
    const [base = 0, kept = 0] = numbersIn(head);
    this.#base = base;
    this.#kept = kept;
    for (const line of lines) {
      const [end, moment] = numbersIn(line);
      if (end === undefined || moment === undefined || end <= this.end) continue;
      this.#ends.push(end);
      this.#moments.push(moment);
    }
    this.#isWritten = true;
  }

  /** Which byte of the log is the first of its file. */
  get base(): number {
    return this.#base;
  }

  /** The first byte of the log that is still there, in the file or in the part that was moved aside. */
  get kept(): number {
    return this.#kept;
  }

  /** As far as it is known when the log was written. */
  get end(): number {
    return this.#ends.at(-1) ?? this.#base;
  }

  /** The log reaches to `end` now. A disk that takes no more costs only precision. */
  grown(end: number, now: Instant): void {
    if (end <= this.end) return;
    this.#ends.push(end);
    this.#moments.push(now);
    if (this.#ends.length > mostTimes) {
      const isLeft = (index: number): boolean => index % 2 === 1 || index > mostTimes / 2;
      this.#keep(isLeft);
      this.#write();
    } else if (this.#isWritten) attempt(() => appendFileSync(this.#path, `${end} ${now}\n`));
    else this.#write();
  }

  /** The file begins anew at `base`, and nothing before `kept` is left. */
  cut(base: number, kept: number): void {
    this.#base = base;
    this.#kept = kept;
    this.#keep((index) => (this.#ends[index] ?? 0) > kept);
    this.#write();
  }

  /** When the byte was written; undefined when nobody has seen it yet. */
  at(position: number): Instant | undefined {
    const moment = this.#moments[firstWhere(this.#ends, (end) => end > position)];
    return moment === undefined ? undefined : instant(moment);
  }

  /** The first byte that was not written before `since`. */
  since(since: Instant): number {
    const index = firstWhere(this.#moments, (moment) => moment >= since);
    return index === 0 ? this.#kept : (this.#ends[index - 1] ?? this.#kept);
  }

  #keep(isLeft: (index: number) => boolean): void {
    this.#moments = this.#moments.filter((_, index) => isLeft(index));
    this.#ends = this.#ends.filter((_, index) => isLeft(index));
  }

  #write(): void {
    const lines = this.#ends.map((end, index) => `${end} ${this.#moments[index]}\n`);
    const draft = `${this.#path}.draft`;
    try {
      writeFileSync(draft, `${this.#base} ${this.#kept}\n${lines.join("")}`, { mode: 0o600 });
      renameSync(draft, this.#path);
      this.#isWritten = true;
    } catch {
      attempt(() => rmSync(draft, { force: true }));
    }
  }
}

/** The lines of a log keep the times that are known; what cannot be written down is not worth a container's trouble. */
function attempt(write: () => void): void {
  try {
    write();
  } catch {
    // Said above.
  }
}

function textIn(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function numbersIn(line: string): number[] {
  const numbers = line.split(" ").map(Number);
  return line !== "" && numbers.every(Number.isSafeInteger) ? numbers : [];
}

/** Of an ascending list, the first index for which `holds`; its length when there is none. */
function firstWhere(ascending: readonly number[], holds: (value: number) => boolean): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(ascending[middle] ?? 0)) high = middle;
    else low = middle + 1;
  }
  return low;
}
