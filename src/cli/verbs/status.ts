import { later } from "../../time/clock.ts";
import { type PhaseView, phaseOf } from "../../view/rollout-phase.ts";
import { waitingOf } from "../../view/waiting.ts";
import { type Context, verb } from "../command.ts";
import { CommandError } from "../errors.ts";
import { durationSeconds } from "../flags.ts";
import { printWaiting } from "../print/rollout-tree.ts";
import { readRollout } from "../rollout-requests.ts";
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
    const rollout = await readRollout(await context.cluster(), name);
    const now = phaseOf(rollout);
    if (!flags.watch) {
      context.terminal.out(`${isFinal(now) ? now.phase : sentence(now)}\n`);
      const waiting = waitingOf(rollout, [], [], context.clock.now());
      if (waiting !== undefined) context.terminal.error(`waiting ${printWaiting(waiting)}\n`);
    }
    const last = flags.watch ? await waitForEnd(name, timeout, context) : now;
    if (last.phase === "Degraded")
      throw new CommandError(`The rollout is in a degraded state with message: ${last.message}`);
    if (flags.watch && last.phase !== "Healthy")
      throw new CommandError("Rollout status watch exceeded timeout");
    return 0;
  },
});

/** Prints each state once and answers the last one: a final one, unless time is up or the person stops it. */
async function waitForEnd(
  name: string,
  timeoutSeconds: number | undefined,
  context: Context,
): Promise<PhaseView> {
  const { clock, terminal } = context;
  const watch = await watchRollout(await context.cluster(), name, context, false);
  const end = Promise.withResolvers<PhaseView>();
  let last: PhaseView = { phase: "Progressing", icon: "◌", message: "" };
  let printed = "";
  // On the other stream: what the plugin's users read is as the plugin writes it.
  let told: string | undefined;
  const look = (): void => {
    const view = watch.view();
    if (view === undefined) {
      end.reject(new CommandError(`rollout "${name}" has been deleted`));
      return;
    }
    last = view;
    if (sentence(view) !== printed) terminal.out(`${sentence(view)}\n`);
    printed = sentence(view);
    const { waiting } = view;
    if (waiting !== undefined && waiting.on !== told) terminal.error(`waiting ${printWaiting(waiting)}\n`);
    told = waiting?.on;
    if (isFinal(view)) end.resolve(view);
  };
  const unsubscribe = watch.subscribe(look);
  const cancelTimeout =
    timeoutSeconds !== undefined && timeoutSeconds > 0
      ? clock.at(later(clock.now(), timeoutSeconds), () => end.resolve(last))
      : () => {};
  const unlisten = whenInterrupted(terminal, () => end.resolve(last));
  look();
  try {
    return await end.promise;
  } finally {
    cancelTimeout();
    unsubscribe();
    unlisten();
    watch.stop();
  }
}

function isFinal({ phase }: PhaseView): boolean {
  return phase === "Healthy" || phase === "Degraded";
}

function sentence({ phase, message }: PhaseView): string {
  return message === "" ? phase : `${phase} - ${message}`;
}
