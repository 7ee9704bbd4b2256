import { equalJson } from "../../api/equal-json.ts";
import { type Cancel, type Instant, later } from "../../time/clock.ts";
import { type RolloutView, rolloutTree } from "../../view/rollout-tree.ts";
import type { Context } from "../command.ts";
import { CommandError } from "../errors.ts";
import { type Paint, paintFor, plain } from "../print/paint.ts";
import { printRollout } from "../print/rollout-tree.ts";
import { readSeen } from "../rollout-requests.ts";
import { type RolloutWatch, watchRollout } from "../rollout-watch.ts";
import { whenInterrupted } from "../terminal.ts";

export interface GetRolloutOptions {
  readonly watch: boolean;
  readonly noColour: boolean;
  /** How long to watch; for ever when absent or 0. */
  readonly timeoutSeconds?: number | undefined;
}

// Faster than this, a terminal flickers.
const redrawSeconds = 0.2;
// Ages go on although nothing happens.
const refreshSeconds = 1;
const clearScreen = "\x1b[H\x1b[2J";

/** `teal get rollout NAME`: the tree, once or again and again. */
export async function getRollout(
  name: string,
  options: GetRolloutOptions,
  context: Context,
): Promise<number> {
  const cluster = await context.cluster();
  const paint = options.noColour ? plain : paintFor(context.terminal);
  // Read in any case: a name that does not exist is an error and nothing to wait for.
  const seen = await readSeen(cluster, name, "everything");
  if (!options.watch) {
    context.terminal.out(printRollout(rolloutTree(seen), paint, context.clock.now()));
    return 0;
  }
  const watch = await watchRollout(cluster, name, context, "everything");
  try {
    await redraw(watch, name, paint, options.timeoutSeconds, context);
  } finally {
    watch.stop();
  }
  return 0;
}

/** Draws at each change until the time is over, the person stops it or the Rollout is gone. */
async function redraw(
  watch: RolloutWatch,
  name: string,
  paint: Paint,
  timeoutSeconds: number | undefined,
  { terminal, clock }: Context,
): Promise<void> {
  const done = Promise.withResolvers<void>();
  const cancels: Cancel[] = [];
  let last: RolloutView | undefined;
  let pending: { readonly at: Instant; readonly cancel: Cancel } | undefined;
  const draw = (): void => {
    pending = undefined;
    const view = watch.view();
    if (view === undefined) {
      done.reject(new CommandError(`rollout "${name}" has been deleted`));
      return;
    }
    const text = printRollout(view, paint, clock.now());
    // On paper only what happens is worth a line, not that time passes.
    if (terminal.interactive) terminal.out(clearScreen + text);
    else if (!equalJson(view, last)) terminal.out(`${text}\n`);
    last = view;
    drawIn(refreshSeconds);
  };
  const drawIn = (seconds: number): void => {
    const at = later(clock.now(), seconds);
    if (pending !== undefined && pending.at <= at) return;
    pending?.cancel();
    pending = { at, cancel: clock.at(at, draw) };
  };
  cancels.push(watch.subscribe(() => drawIn(redrawSeconds)));
  if (timeoutSeconds !== undefined && timeoutSeconds > 0)
    cancels.push(clock.at(later(clock.now(), timeoutSeconds), () => done.resolve()));
  cancels.push(whenInterrupted(terminal, () => done.resolve()));
  draw();
  try {
    await Promise.race([done.promise, watch.refused]);
  } finally {
    pending?.cancel();
    for (const cancel of cancels) cancel();
  }
}
