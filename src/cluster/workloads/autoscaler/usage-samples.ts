import { type Clock, type Instant, instant, later } from "../../../time/clock.ts";

/** What a container's processes have used since they began, and hold now. */
interface Used {
  readonly container: string;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

/** By the uid of the pod: what each of its running containers has used. Rejects when the node cannot be asked. */
export type UsageSource = () => Promise<Readonly<Record<string, readonly Used[]>>>;

/** What a pod has used of late, by container: thousandths of a CPU, thousandths of a byte. */
export interface PodUsage {
  readonly measuredAt: Instant;
  readonly windowSeconds: number;
  readonly containers: Readonly<Record<string, { readonly cpu: number; readonly memory: number }>>;
}

interface Sample {
  readonly at: Instant;
  readonly pods: Readonly<Record<string, readonly Used[]>>;
}

// Shorter windows than this show noise; a new one is begun at most so often, however many autoscalers ask.
const usualWindowSeconds = 10;
const shortestWindowSeconds = 1;
// Longer ago than this is not "now" any more.
const longestWindowSeconds = 60;

/** Rates of use out of two looks at what has been used, taken only while somebody asks. */
export class UsageSamples {
  readonly #source: UsageSource;
  readonly #clock: Clock;
  #last: Sample | undefined;
  #usage: ReadonlyMap<string, PodUsage> | undefined;
  #taking: Promise<void> | undefined;

  constructor(source: UsageSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  /** By the uid of the pod. Undefined when this was the first look for a while: the next one is worth it in a second. */
  async usage(): Promise<ReadonlyMap<string, PodUsage> | undefined> {
    this.#taking ??= this.#take().finally(() => {
      this.#taking = undefined;
    });
    await this.#taking;
    return this.#usage;
  }

  async #take(): Promise<void> {
    const now = this.#clock.now();
    const last = this.#last;
    if (last !== undefined) {
      const wait = this.#usage === undefined ? shortestWindowSeconds : usualWindowSeconds;
      if (now < later(last.at, wait)) return;
    }
    const sample = { at: now, pods: await this.#source() };
    const isFresh = last !== undefined && now <= later(last.at, longestWindowSeconds);
    this.#usage = isFresh ? between(last, sample) : undefined;
    this.#last = sample;
  }
}

/** Pods of which both looks know the same containers, none of them begun anew. */
function between(earlier: Sample, now: Sample): ReadonlyMap<string, PodUsage> {
  const windowSeconds = (now.at - earlier.at) / 1000;
  const usage = new Map<string, PodUsage>();
  for (const [uid, used] of Object.entries(now.pods)) {
    const before = new Map(earlier.pods[uid]?.map((one) => [one.container, one]));
    const isMeasured = used.every(({ container, cpuSeconds }) => {
      const seconds = before.get(container)?.cpuSeconds;
      return seconds !== undefined && seconds <= cpuSeconds;
    });
    if (!isMeasured || used.length === 0) continue;
    const rates = used.map(({ container, cpuSeconds, memoryBytes }) => {
      const seconds = cpuSeconds - (before.get(container)?.cpuSeconds ?? 0);
      const cpu = Math.round((seconds / windowSeconds) * 1000);
      return [container, { cpu, memory: memoryBytes * 1000 }] as const;
    });
    usage.set(uid, {
      measuredAt: instant(now.at),
      windowSeconds,
      containers: Object.fromEntries(rates),
    });
  }
  return usage;
}
