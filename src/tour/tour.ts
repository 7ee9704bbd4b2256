import type { Context } from "../cli/command.ts";
import { CommandError } from "../cli/errors.ts";
import { paintFor } from "../cli/print/paint.ts";
import { printRollout } from "../cli/print/rollout-tree.ts";
import { type RolloutWatch, watchRollout } from "../cli/rollout-watch.ts";
import { runIn } from "../cli/run.ts";
import type { Waiting } from "../cli/waiting.ts";
import { ApiError } from "../kubernetes/errors.ts";
import { later } from "../time/clock.ts";
import type { RolloutView } from "../view/rollout-tree.ts";
import type { Addresses } from "./addresses.ts";
import type { LoadProcess } from "./load-process.ts";

/** A statement that the tour makes does not hold. */
export class CheckFailed extends Error {
  override readonly name = "CheckFailed";
}

/** The person has stopped the tour. */
export class TourInterrupted extends Error {
  override readonly name = "TourInterrupted";
}

/** One confirmed switch of all users to another version. */
export interface Switch {
  readonly to: string;
  /** From the promote command to the status that says so. */
  readonly seconds: number;
}

export interface TourOptions {
  readonly context: Context;
  readonly waiting: Waiting;
  readonly interrupted: AbortSignal;
  /** Node and Teal's main file. */
  readonly program: readonly [string, string];
  /** When the process that carries traffic has ended, by the machine's monotonic clock; grows. */
  readonly trafficEnds: readonly bigint[];
}

const retrySeconds = 0.5;
const apiPatienceSeconds = 30;

/** What the steps of the tour share: the cluster, what is known by now, and how to say, to check and to wait. */
export class Tour {
  readonly rollout = "rollout-weather-app";
  readonly context: Context;
  readonly program: readonly [string, string];
  readonly trafficEnds: readonly bigint[];
  readonly switches: Switch[] = [];
  load: LoadProcess | undefined;
  #addresses: Addresses | undefined;
  #watch: RolloutWatch | undefined;
  readonly #waiting: Waiting;
  readonly #interrupted: AbortSignal;

  constructor({ context, waiting, interrupted, program, trafficEnds }: TourOptions) {
    this.context = context;
    this.program = program;
    this.trafficEnds = trafficEnds;
    this.#waiting = waiting;
    this.#interrupted = interrupted;
  }

  get addresses(): Addresses {
    if (this.#addresses === undefined) throw new Error("the addresses are not known yet");
    return this.#addresses;
  }
  set addresses(found: Addresses) {
    this.#addresses = found;
  }

  /** The load that runs by now. */
  get runningLoad(): LoadProcess {
    if (this.load === undefined) throw new Error("the load is not running yet");
    return this.load;
  }

  say(text: string): void {
    if (this.#interrupted.aborted) throw new TourInterrupted("interrupted");
    this.context.terminal.out(`${text}\n`);
  }

  /** Prints `statement` when it holds. Throws CheckFailed with what is there instead when it does not. */
  check(statement: string, holds: boolean, instead: string): void {
    if (!holds) throw new CheckFailed(`does not hold: ${statement}: ${instead}`);
    this.say(`  ✔ ${statement}`);
  }

  /** Runs a command as a person would type it, again when the API server is away for a moment. */
  async teal(...words: readonly string[]): Promise<void> {
    const line = `teal ${words.join(" ")}`;
    this.say(`  $ ${line}`);
    const { clock } = this.context;
    const deadline = later(clock.now(), apiPatienceSeconds);
    for (;;) {
      try {
        const code = await runIn(this.context, words);
        if (code !== 0) throw new CheckFailed(`"${line}" has ended with exit code ${code}`);
        return;
      } catch (error) {
        if (error instanceof CommandError) throw new CheckFailed(error.message, { cause: error });
        const isAway = error instanceof ApiError && error.kind === "unreachable";
        if (!isAway || clock.now() > deadline) throw error;
        await this.pause(retrySeconds);
      }
    }
  }

  /** Everything that can be seen of the Rollout, kept up to date. */
  async watched(): Promise<RolloutWatch> {
    this.#watch ??= await watchRollout(
      await this.context.cluster(),
      this.rollout,
      this.context,
      "everything",
    );
    return this.#watch;
  }

  async view(): Promise<RolloutView> {
    const view = (await this.watched()).view();
    if (view === undefined) throw new CheckFailed(`the Rollout ${this.rollout} is not there any more`);
    return view;
  }

  async showTree(): Promise<void> {
    const tree = printRollout(await this.view(), paintFor(this.context.terminal), this.context.clock.now());
    this.say(tree.replaceAll(/^(?=.)/gm, "    ").trimEnd());
  }

  /** Waits until the Rollout is seen as `holds` wants it. Throws CheckFailed when it is not after `seconds`. */
  async until(
    what: string,
    seconds: number,
    holds: (view: RolloutView) => boolean,
    detail: (view: RolloutView) => string = standing,
  ): Promise<RolloutView> {
    const watch = await this.watched();
    const { clock } = this.context;
    const seen = Promise.withResolvers<RolloutView>();
    const look = (): void => {
      const view = watch.view();
      if (view !== undefined && holds(view)) seen.resolve(view);
    };
    const text = (): string => {
      const view = watch.view();
      return view === undefined ? "not there" : detail(view);
    };
    const stops = [
      watch.subscribe(look),
      clock.at(later(clock.now(), seconds), () =>
        seen.reject(new CheckFailed(`${what}: not seen within ${seconds} s, the Rollout is ${text()}`)),
      ),
    ];
    const interrupt = (): void => seen.reject(new TourInterrupted("interrupted"));
    if (this.#interrupted.aborted) interrupt();
    this.#interrupted.addEventListener("abort", interrupt, { once: true });
    look();
    try {
      return await this.#waiting.during(what, seen.promise, text);
    } finally {
      for (const stop of stops) stop();
      this.#interrupted.removeEventListener("abort", interrupt);
    }
  }

  /** Asks `probe` again and again until it answers something. */
  async untilAnswered<T>(
    what: string,
    seconds: number,
    probe: () => Promise<T | undefined>,
    detail: () => string,
  ): Promise<T> {
    const { clock } = this.context;
    const deadline = later(clock.now(), seconds);
    const asking = async (): Promise<T> => {
      for (;;) {
        const found = await probe();
        if (found !== undefined) return found;
        if (clock.now() > deadline) throw new CheckFailed(`${what}: not within ${seconds} s (${detail()})`);
        await this.pause(retrySeconds / 5);
      }
    };
    return this.#waiting.during(what, asking(), detail);
  }

  pause(seconds: number): Promise<void> {
    const { clock } = this.context;
    if (this.#interrupted.aborted) throw new TourInterrupted("interrupted");
    return new Promise((resolve) => {
      clock.at(later(clock.now(), seconds), resolve);
    });
  }

  /** Ends what the tour itself has started. */
  async close(): Promise<void> {
    this.#watch?.stop();
    await this.load?.kill();
  }
}

function standing({ phase, message, replicas }: RolloutView): string {
  const where = message === "" ? phase : `${phase}, ${message}`;
  return `${where}; ${replicas.available} of ${replicas.desired} available`;
}
