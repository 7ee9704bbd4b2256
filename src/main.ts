import "./es2024.ts";
import { connect } from "./cli/cluster-access.ts";
import type { Command } from "./cli/command.ts";
import { parts } from "./cli/parts.ts";
import { run } from "./cli/run.ts";
import { processTerminal } from "./cli/terminal.ts";
import { abort } from "./cli/verbs/abort.ts";
import { apply } from "./cli/verbs/apply.ts";
import { controller } from "./cli/verbs/controller.ts";
import { deleteObjects } from "./cli/verbs/delete.ts";
import { down } from "./cli/verbs/down.ts";
import { get } from "./cli/verbs/get.ts";
import { imageCommands } from "./cli/verbs/image.ts";
import { listRollouts } from "./cli/verbs/list-rollouts.ts";
import { logs } from "./cli/verbs/logs.ts";
import { pause } from "./cli/verbs/pause.ts";
import { promote } from "./cli/verbs/promote.ts";
import { retryRollout } from "./cli/verbs/retry.ts";
import { setImage } from "./cli/verbs/set-image.ts";
import { status } from "./cli/verbs/status.ts";
import { undo } from "./cli/verbs/undo.ts";
import { supervise, up } from "./cli/verbs/up.ts";
import { version } from "./cli/verbs/version.ts";
import { why } from "./cli/verbs/why.ts";
import { SystemClock } from "./time/system-clock.ts";
import { load } from "./tour/load-command.ts";
import { start } from "./tour/start.ts";

/** Everything that `teal` can do, in the order of the help. */
const commands: readonly Command[] = [
  start,
  up,
  down,
  apply,
  get,
  listRollouts,
  status,
  why,
  setImage,
  promote,
  abort,
  retryRollout,
  undo,
  pause,
  logs,
  deleteObjects,
  ...imageCommands,
  controller,
  version,
  supervise,
  ...parts,
  load,
];

const clock = new SystemClock();
const code = await run(process.argv.slice(2), commands, {
  terminal: processTerminal(),
  clock,
  connect: (global) => connect(global, clock, process.env),
});
// Connections that are kept for later requests would hold the process for a while.
process.stdout.write("", () => process.exit(code));
