import { Agent } from "node:http";
import { type Clock, later } from "../time/clock.ts";
import type { RequestRecord } from "./load-report.ts";
import { askWeather, RequestFailed } from "./weather-request.ts";

/** One stream of requests, each begun when the one before it has ended and a little time has passed. */
interface Stream {
  readonly path: string;
  readonly keepsConnection: boolean;
  readonly pauseSeconds: number;
}

const quickOverKept: Stream = { path: "/", keepsConnection: true, pauseSeconds: 0.04 };
const quickOverNew: Stream = { path: "/", keepsConnection: false, pauseSeconds: 0.04 };
const slowOverKept: Stream = { path: "/slow?ms=1200", keepsConnection: true, pauseSeconds: 0.01 };

/** Users, as a release meets them: connections kept and new, quick answers, and slow ones under way at any moment. */
const streams: readonly Stream[] = [
  ...Array.from({ length: 5 }, () => quickOverKept),
  ...Array.from({ length: 2 }, () => quickOverNew),
  ...Array.from({ length: 3 }, () => slowOverKept),
];

/** Steady load on one address. Every request is remembered; none is sent a second time. */
export class Load {
  readonly #target: URL;
  readonly #clock: Clock;
  readonly #records: RequestRecord[] = [];
  #isStopping = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(target: URL, clock: Clock) {
    this.#target = target;
    this.#clock = clock;
  }

  get records(): readonly RequestRecord[] {
    return this.#records;
  }

  start(): void {
    this.#running = Promise.all(streams.map((stream) => this.#run(stream)));
  }

  /** Resolves when no request is under way any more. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  async #run({ path, keepsConnection, pauseSeconds }: Stream): Promise<void> {
    const url = new URL(path, this.#target);
    const agent = new Agent({ keepAlive: keepsConnection, maxSockets: 1 });
    let connectedAt = 0n;
    const connect = agent.createConnection.bind(agent);
    agent.createConnection = (options, callback) => {
      connectedAt = process.hrtime.bigint();
      return connect(options, callback);
    };
    while (!this.#isStopping) {
      const startedAt = process.hrtime.bigint();
      const outcome = await askWeather(url, agent).then(
        ({ version }) => ({ version }),
        (error: unknown) => ({ failure: error instanceof RequestFailed ? error.kind : String(error) }),
      );
      this.#records.push({ startedAt, endedAt: process.hrtime.bigint(), connectedAt, outcome });
      await this.#pause(pauseSeconds);
    }
    agent.destroy();
  }

  #pause(seconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.at(later(this.#clock.now(), seconds), resolve);
    });
  }
}
