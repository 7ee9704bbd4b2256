import { later } from "../../time/clock.ts";
import { type PhaseView, phaseOf } from "../../view/rollout-phase.ts";
import type { Seen } from "../../view/seen.ts";
import { whyOf } from "../../view/why.ts";
import { type Context, verb } from "../command.ts";
import { CommandError } from "../errors.ts";
import { durationSeconds } from "../flags.ts";
import { printWords } from "../print/words.ts";
import { readSeen } from "../rollout-requests.ts";
import { watchRollout } from "../rollout-watch.ts";
import { whenInterrupted } from "../terminal.ts";

export const status = verb({
  flags: {
    watch: { takes: "nothing", short: "w", initially: true, help: "do not wait, say how it is now" },
    timeout: {
      takes: "text",
      short: "t",
      value: "DURATION",
      help: "give up (exit code 1) after this time, for example 60s; 0 is never",
    },
  },
  words: { least: 1, most: 1 },
  async run({ words: [name = ""], flags }, context) {
    const timeout = durationSeconds("timeout", flags.timeout);
    // Read in any case: a name that does not exist is an error and nothing to wait for.
    const seen = await readSeen(await context.cluster(), name, "rollout");
    const last = flags.watch ? await waitForEnd(name, timeout, context) : sayNow(seen, context);
    if (last.phase === "Degraded")
      throw new CommandError(`The rollout is in a degraded state with message: ${last.message}`);
    if (flags.watch && last.phase !== "Healthy")
      throw new CommandError("Rollout status watch exceeded timeout");
    return 0;
  },
});

function sayNow(seen: Seen, { terminal, clock }: Context): PhaseView {
  const now = phaseOf(seen.rollout);
  terminal.out(`${isFinal(now) ? now.phase : stateText(now)}\n`);
  if (now.phase !== "Healthy") terminal.error(`${printWords(whyOf(seen), clock.now())}\n`);
  return now;
}

/**
 * Prints each state once, and beside it, on the other stream, why it stands there. Answers the last one: a final one, unless time
 * is up or the person stops it.
 */
async function waitForEnd(
  name: string,
  timeoutSeconds: number | undefined,
  context: Context,
): Promise<PhaseView> {
  const { clock, terminal } = context;
  const watch = await watchRollout(await context.cluster(), name, context, "rollout");
  const end = Promise.withResolvers<PhaseView>();
  let last: PhaseView = { phase: "Progressing", icon: "◌", message: "" };
  let printed = "";
  let told = "";
  const look = (): void => {
    const seen = watch.seen();
    if (seen === undefined) {
      end.reject(new CommandError(`rollout "${name}" has been deleted`));
      return;
    }
    last = phaseOf(seen.rollout);
    const text = stateText(last);
    if (text !== printed) terminal.out(`${text}\n`);
    printed = text;
    // Counts change often, and the moments in it do not: it is told again when something else holds it up.
    const reason = reasonOf(seen);
    if (last.phase !== "Healthy" && reason !== told)
      terminal.error(`${printWords(whyOf(seen), clock.now())}\n`);
    told = reason;
    if (isFinal(last)) end.resolve(last);
  };
  const unsubscribe = watch.subscribe(look);
  const cancelTimeout =
    timeoutSeconds !== undefined && timeoutSeconds > 0
      ? clock.at(later(clock.now(), timeoutSeconds), () => end.resolve(last))
      : () => {};
  const unlisten = whenInterrupted(terminal, () => end.resolve(last));
  look();
  try {
    return await Promise.race([end.promise, watch.refused]);
  } finally {
    cancelTimeout();
    unsubscribe();
    unlisten();
    watch.stop();
  }
}

/** The sentence but for its moments and counts. */
function reasonOf(seen: Seen): string {
  const texts = whyOf(seen).filter((word) => typeof word === "string");
  return texts.join("").replaceAll(/\d+ of \d+/g, "");
}

function isFinal({ phase }: PhaseView): boolean {
  return phase === "Healthy" || phase === "Degraded";
}

function stateText({ phase, message }: PhaseView): string {
  return message === "" ? phase : `${phase} - ${message}`;
}
