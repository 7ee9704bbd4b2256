import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Report } from "./worker.ts";

/** Simulates the seeds on all processors; reports come in any order, one at a time. */
export async function* simulateAll(seeds: readonly number[]): AsyncGenerator<Report> {
  const waiting = [...seeds];
  const size = Math.min(availableParallelism(), seeds.length);
  const workers = Array.from({ length: size }, () => new Worker(new URL("./worker.ts", import.meta.url)));
  try {
    const next = new Map(workers.map((worker) => [worker, give(worker, waiting)]));
    while (next.size > 0) {
      const { worker, report } = await Promise.race(next.values());
      if (report === undefined) {
        next.delete(worker);
        continue;
      }
      next.set(worker, give(worker, waiting));
      yield report;
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

interface Answer {
  readonly worker: Worker;
  /** Undefined when there was nothing left to do. */
  readonly report: Report | undefined;
}

function give(worker: Worker, waiting: number[]): Promise<Answer> {
  const seed = waiting.shift();
  if (seed === undefined) return Promise.resolve({ worker, report: undefined });
  return new Promise((resolve, reject) => {
    const done = (report: Report): void => {
      worker.off("error", reject);
      resolve({ worker, report });
    };
    worker.once("message", done);
    worker.once("error", reject);
    worker.postMessage(seed);
  });
}
