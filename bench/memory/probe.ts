// Loaded into the measured process before its program: answers what it has used so far.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export interface Usage {
  /** Bytes. */
  readonly resident: number;
  readonly mostResident: number;
  /** Bytes of objects that are alive; measured only on request, as it costs a collection. */
  readonly live: number | undefined;
  /** Processor time in seconds. */
  readonly seconds: number;
}

process.on("message", (question) => {
  if (question !== "usage" && question !== "live") return;
  const { user, system } = process.cpuUsage();
  const usage: Usage = {
    resident: process.memoryUsage.rss(),
    mostResident: process.resourceUsage().maxRSS * 1024,
    live: question === "live" ? liveBytes() : undefined,
    seconds: (user + system) / 1e6,
  };
  process.send?.({ usage });
});

function liveBytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed;
}
