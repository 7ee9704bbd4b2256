/** What people are told of a part that ends and is started again: each cause once, and when it is back. */
export class RestartNews {
  readonly #name: string;
  readonly #logFile: string;
  readonly #say: (line: string) => void;
  /** Causes told since the part was steady last. */
  readonly #told = new Set<string>();
  /** How often it was ready and has ended soon, since then. */
  #shortLives = 0;
  #isAwaited = false;

  constructor(name: string, logFile: string, say: (line: string) => void) {
    this.#name = name;
    this.#logFile = logFile;
    this.#say = say;
  }

  /** The part has ended, and starts again in `seconds`. */
  ended(cause: string, wasReady: boolean, seconds: number): void {
    const isNew = this.#isNew(cause);
    this.#isAwaited = true;
    if (wasReady) this.#shortLives += 1;
    // Said once, because people have heard that it is ready again.
    if (wasReady && this.#shortLives === 2)
      this.#say(
        `${this.#name} ended again: ${cause}. It starts again until it stays, ever more seldom (log: ${this.#logFile})`,
      );
    else if (isNew)
      this.#say(`${this.#name} ended: ${cause}. It starts again in ${seconds} s (log: ${this.#logFile})`);
  }

  ready(): void {
    if (this.#shortLives < 2) this.#sayReady();
  }

  /** The part has stayed ready for a while. */
  steady(): void {
    this.#told.clear();
    this.#shortLives = 0;
    if (this.#isAwaited) this.#sayReady();
  }

  noLog(why: string): void {
    if (this.#isNew(why)) this.#say(`${this.#name} runs without a log: ${why}`);
  }

  #sayReady(): void {
    this.#isAwaited = false;
    this.#say(`${this.#name} is ready again`);
  }

  #isNew(cause: string): boolean {
    // The same cause has another time or process number in each line of a log.
    const kind = cause.replace(/"[^]*"/, (line) => line.replaceAll(/\d+/g, "#"));
    if (this.#told.has(kind)) return false;
    this.#told.add(kind);
    return true;
  }
}
