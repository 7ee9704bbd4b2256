import { readRecord, writeRecord } from "../../cluster/supervisor/cluster-record.ts";
import { dataFolder } from "../../cluster/supervisor/data-folder.ts";
import { departure, ensureDeparture, longestGraceSeconds } from "../../cluster/supervisor/departure.ts";
import { lockHolder } from "../../cluster/supervisor/folder-lock.ts";
import { isRunning, signalProcess } from "../../cluster/supervisor/known-process.ts";
import { leaveKubeconfigOf } from "../../cluster/supervisor/kubeconfig-context.ts";
import { endContainers, leftoverContainers } from "../../cluster/supervisor/leftover-pods.ts";
import { verb } from "../command.ts";
import { Waiting } from "../waiting.ts";

// Longer than a supervisor takes that has to kill each of its parts.
const patienceSeconds = longestGraceSeconds + 120;
const leftoverSeconds = 20;

export const down = verb({
  flags: {},
  words: { least: 0, most: 0 },
  async run({ flags }, { terminal, clock }) {
    const data = dataFolder(flags.data);
    const waiting = new Waiting(terminal, clock);
    const supervisor = lockHolder(data.lock);
    const parts = Object.values(readRecord(data.record)?.parts ?? {});
    if (supervisor !== undefined) {
      signalProcess(supervisor, "SIGTERM");
      // One that was halted with Ctrl-Z hears nothing else.
      signalProcess(supervisor, "SIGCONT");
      const stopped = departure([supervisor], patienceSeconds, clock);
      const [left] = await waiting.during(`the cluster of process ${supervisor.pid} to stop`, stopped);
      if (left !== undefined && signalProcess(left, "SIGKILL"))
        terminal.out(`process ${left.pid} did not stop within ${patienceSeconds} s and was killed\n`);
    }
    const leftParts = parts.filter(isRunning);
    if (leftParts.length > 0) {
      const gone = ensureDeparture(leftParts, leftoverSeconds, clock);
      const killed = await waiting.during(`${leftParts.length} left process(es) to end`, gone);
      for (const { pid } of killed) terminal.out(`process ${pid} did not end by itself and was killed\n`);
    }
    const containers = leftoverContainers(data);
    if (containers.length > 0)
      await waiting.during(`${containers.length} left process(es) to end`, endContainers(containers, clock));
    // One that was killed could not do this itself.
    const record = readRecord(data.record);
    if (record?.kubeconfig !== undefined) {
      await leaveKubeconfigOf(data, record).catch((error: Error) => terminal.out(`${error.message}\n`));
      const { kubeconfig: _, ...rest } = record;
      writeRecord(data.record, rest);
    }
    const hasStopped = supervisor !== undefined || leftParts.length > 0 || containers.length > 0;
    terminal.out(
      hasStopped ? `The cluster in ${data.path} is stopped.\n` : `No cluster is up in ${data.path}.\n`,
    );
    return 0;
  },
});
