import { connect } from "../cli/cluster-access.ts";
import { dataFlag, ownProgram, tealCommand, untilInterrupted, withCluster } from "../cli/cluster-up.ts";
import { type Context, verb } from "../cli/command.ts";
import { CommandError } from "../cli/errors.ts";
import { portOf } from "../cli/verbs/up.ts";
import { Waiting } from "../cli/waiting.ts";
import { type DataFolder, dataFolder } from "../cluster/supervisor/data-folder.ts";
import { moment } from "./load-process.ts";
import { steps } from "./steps.ts";
import { Tour, TourInterrupted } from "./tour.ts";

/** Shorter waits leave no line. */
const worthSeconds = 1;
/** What shells answer for a program that Ctrl-C has ended. */
const interruptedCode = 130;

export const start = verb({
  flags: {
    once: { takes: "nothing", help: "stop everything at the end; exit code 0 if every statement held" },
    port: { takes: "text", value: "N", help: "port of the API server, 7443 unless given" },
  },
  words: { least: 0, most: 0 },
  async run({ flags }, context) {
    const data = dataFolder(flags.data);
    // Waits belong to the story, in its order.
    const told = { ...context.terminal, error: (text: string) => context.terminal.out(text) };
    context.terminal.out(`A blue-green release on this machine, in ${data.path}\n\nStart the cluster\n`);
    const trafficEnds: bigint[] = [];
    const options = {
      data,
      port: portOf(flags.port),
      progress: new Waiting(told, context.clock),
      onEnded: (part: string) => part === "traffic" && trafficEnds.push(moment()),
    };
    let held = false;
    const code = await withCluster(options, context, async ({ server }, interrupted) => {
      context.terminal.out(`  API server ${server}\n  kubeconfig ${data.kubeconfig}\n`);
      const cluster = connect({ ...context.global, kubeconfig: data.kubeconfig }, context.clock, {});
      const own = { ...context, cluster: async () => cluster };
      const waiting = new Waiting(told, context.clock, worthSeconds);
      const tour = new Tour({ context: own, waiting, interrupted, program: ownProgram(), trafficEnds });
      interrupted.addEventListener("abort", () => void tour.close(), { once: true });
      try {
        await take(tour, context);
        held = true;
      } catch (error) {
        if (error instanceof TourInterrupted || interrupted.aborted) return 0;
        if (flags.once || !(error instanceof CommandError)) throw error;
        context.terminal.error(
          `\nError: ${error.message}\nThe cluster stays up so that you can look. Ctrl-C stops it.\n`,
        );
        await untilInterrupted(interrupted);
        return 1;
      } finally {
        await tour.close();
      }
      context.terminal.out("\nEvery statement was checked and held.\n");
      if (flags.once) return 0;
      context.terminal.out(nextSteps(tour, data));
      return untilInterrupted(interrupted);
    });
    return flags.once && !held ? interruptedCode : code;
  },
});

/** Every step in its order. Throws CommandError that names the first one that fails, and why. */
async function take(tour: Tour, { terminal }: Context): Promise<void> {
  for (const [index, step] of steps.entries()) {
    terminal.out(`\n${index + 1}/${steps.length} ${step.name}\n`);
    try {
      await step.run(tour);
    } catch (error) {
      if (error instanceof TourInterrupted || !(error instanceof Error)) throw error;
      const what = `step ${index + 1} of the tour has failed: ${step.name} (${step.checks})`;
      throw new CommandError(`${what}: ${error.message}`, { cause: error });
    }
  }
}

function nextSteps({ addresses, rollout }: Tour, data: DataFolder): string {
  const teal = tealCommand();
  const flag = dataFlag(data);
  return [
    "",
    "The cluster stays up. Try next:",
    `  open ${addresses.active.href} in a browser, and ${addresses.preview.href} beside it`,
    `  ${teal} get rollout ${rollout} --watch${flag}`,
    `  ${teal} set image ${rollout} rollouts-demo=docker.io/atulinfracloud/weathersample:v2${flag}, then ${teal} promote ${rollout}${flag}`,
    "Ctrl-C stops everything.",
    "",
  ].join("\n");
}
