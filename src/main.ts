import "./es2024.ts";
import { run } from "./cli/run.ts";
import { processTerminal } from "./cli/terminal.ts";
import { commands } from "./commands.ts";
import { SystemClock } from "./time/system-clock.ts";

/** Does what this process was started for, and ends it. */
export async function main(): Promise<void> {
  const clock = new SystemClock();
  const code = await run(process.argv.slice(2), {
    commands,
    terminal: processTerminal(),
    clock,
    connect: async (global) => {
      const { connect } = await import("./cli/cluster-access.ts");
      return connect(global, clock, process.env);
    },
  });
  // Connections that are kept for later requests would hold the process for a while.
  process.stdout.write("", () => process.exit(code));
}
