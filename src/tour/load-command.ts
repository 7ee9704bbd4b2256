import { verb } from "../cli/command.ts";
import { CommandError, UsageError } from "../cli/errors.ts";
import { Load } from "./load.ts";
import { type LoadReport, reportOf } from "./load-report.ts";

/** What the starter of `teal load` sends over the channel, and what it is answered. */
export interface LoadQuestion {
  readonly id: number;
  /** `report` on what happened since `moment` (nanoseconds as text); `stop` ends the load first. */
  readonly ask: "report" | "stop";
  readonly moment: string;
  /** When the process that carries traffic has ended, likewise. */
  readonly trafficEnds: readonly string[];
}
export interface LoadAnswer {
  readonly id: number;
  readonly report: LoadReport;
}

/** Steady load from a process of its own, so that nothing else delays its requests. It ends with its starter. */
export const load = verb({
  flags: {},
  words: { least: 1, most: 1 },
  async run({ words: [address = ""] }, { clock }) {
    if (!URL.canParse(address))
      throw new UsageError(`must be an address like http://127.0.0.1:80, not ${address}`);
    if (process.send === undefined)
      throw new CommandError("is started by the tour, which asks it for its counts");
    const running = new Load(new URL(address), clock);
    running.start();
    const ended = Promise.withResolvers<void>();
    process.on("disconnect", () => ended.resolve());
    process.on("message", (question: LoadQuestion) => {
      void answer(running, question).then((report) => {
        const last = question.ask === "stop" ? () => ended.resolve() : () => undefined;
        process.send?.({ id: question.id, report } satisfies LoadAnswer, undefined, {}, last);
      });
    });
    // Ctrl-C is for the starter, which stops this process when it has seen the last counts.
    for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);
    await ended.promise;
    return 0;
  },
});

async function answer(running: Load, { ask, moment, trafficEnds }: LoadQuestion): Promise<LoadReport> {
  if (ask === "stop") await running.stop();
  return reportOf(running.records, BigInt(moment), trafficEnds.map(BigInt));
}
