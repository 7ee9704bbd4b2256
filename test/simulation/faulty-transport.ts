import { ApiError } from "../../src/kubernetes/errors.ts";
import type {
  ApiRequest,
  ApiResponse,
  Transport,
  WatchEvent,
  WatchSink,
} from "../../src/kubernetes/transport.ts";
import { type Cancel, type Clock, type Instant, instant, later } from "../../src/time/clock.ts";
import type { Watched } from "./story.ts";

/** Sees each write as it arrives, and carries it out. */
export type OnWrite = (request: ApiRequest, carryOut: () => Promise<ApiResponse>) => Promise<ApiResponse>;

/** How the news of one kind travel for now. */
interface Trouble {
  readonly lateSeconds: number;
  readonly areLost: boolean;
}

/**
 * The way between controllers and the API server, on which news come late, twice or not at all, watches break, and reads
 * fail. Nothing is lost without the watch's end saying so: after lost news history has expired.
 */
export class FaultyTransport implements Transport {
  readonly #inner: Transport;
  readonly #clock: Clock;
  readonly #onWrite: OnWrite;
  readonly #watches = new Set<FaultyWatch>();
  readonly #troubles = new Map<Watched, Trouble>();
  readonly #endings = new Set<Cancel>();
  #readsFail = false;

  constructor(inner: Transport, clock: Clock, onWrite: OnWrite) {
    this.#inner = inner;
    this.#clock = clock;
    this.#onWrite = onWrite;
  }

  async request(request: ApiRequest): Promise<ApiResponse> {
    if (request.method === "GET") {
      if (this.#readsFail) throw new ApiError("unreachable", "connection reset");
      return await this.#inner.request(request);
    }
    return await this.#onWrite(request, () => this.#inner.request(request));
  }

  watch(request: ApiRequest, sink: WatchSink): Cancel {
    const of = request.path.slice(request.path.lastIndexOf("/") + 1);
    const watch = new FaultyWatch(this.#clock, of, sink, () => this.#troubles.get(of as Watched));
    this.#watches.add(watch);
    const cancel = this.#inner.watch(request, {
      opened: () => sink.opened?.(),
      event: (event) => watch.take(event),
      ended: (error) => watch.end(error),
    });
    watch.cancelInner = cancel;
    return () => {
      this.#watches.delete(watch);
      watch.cancel();
    };
  }

  lateEvents(of: Watched, lateSeconds: number, forSeconds: number): void {
    this.#trouble(of, { lateSeconds, areLost: false }, forSeconds, () => {});
  }

  loseEvents(of: Watched, forSeconds: number): void {
    this.#trouble(of, { lateSeconds: 0, areLost: true }, forSeconds, () => this.breakWatch(of, "410"));
  }

  repeatEvents(of: Watched): void {
    for (const watch of this.#of(of)) watch.repeat();
  }

  breakWatch(of: Watched, how: "410" | "reset" | "end"): void {
    for (const watch of this.#of(of)) {
      this.#watches.delete(watch);
      watch.break(how);
    }
  }

  failReads(forSeconds: number): void {
    this.#readsFail = true;
    this.#later(forSeconds, () => {
      this.#readsFail = false;
    });
  }

  /** All troubles end now. */
  calm(): void {
    for (const [of, { areLost }] of this.#troubles) if (areLost) this.breakWatch(of, "410");
    this.#troubles.clear();
    for (const cancel of this.#endings) cancel();
    this.#endings.clear();
    this.#readsFail = false;
  }

  #trouble(of: Watched, trouble: Trouble, forSeconds: number, afterwards: () => void): void {
    // What was lost before must not go unsaid.
    if (this.#troubles.get(of)?.areLost === true) return;
    this.#troubles.set(of, trouble);
    this.#later(forSeconds, () => {
      if (this.#troubles.get(of) !== trouble) return;
      this.#troubles.delete(of);
      afterwards();
    });
  }

  #later(seconds: number, run: () => void): void {
    const cancel = this.#clock.at(later(this.#clock.now(), seconds), () => {
      this.#endings.delete(cancel);
      run();
    });
    this.#endings.add(cancel);
  }

  #of(of: Watched): readonly FaultyWatch[] {
    return [...this.#watches].filter((watch) => watch.of === of);
  }
}

class FaultyWatch {
  readonly of: string;
  cancelInner: Cancel = () => {};
  readonly #clock: Clock;
  readonly #sink: WatchSink;
  readonly #trouble: () => Trouble | undefined;
  readonly #timers = new Set<Cancel>();
  readonly #told: WatchEvent[] = [];
  #isOver = false;
  #lastAt: Instant = instant(0);

  constructor(clock: Clock, of: string, sink: WatchSink, trouble: () => Trouble | undefined) {
    this.of = of;
    this.#clock = clock;
    this.#sink = sink;
    this.#trouble = trouble;
  }

  take(event: WatchEvent): void {
    const { lateSeconds = 0, areLost = false } = this.#trouble() ?? {};
    if (areLost) return;
    this.#inOrder(lateSeconds, () => {
      this.#told.push(event);
      this.#sink.event(event);
    });
  }

  end(error?: Error): void {
    this.#inOrder(0, () => {
      this.cancel();
      this.#sink.ended(error);
    });
  }

  repeat(): void {
    for (const event of this.#told.slice(-5)) this.#inOrder(0, () => this.#sink.event(event));
  }

  break(how: "410" | "reset" | "end"): void {
    if (this.#isOver) return;
    this.cancel();
    if (how === "410") {
      const message = "too old resource version";
      const status = {
        kind: "Status",
        apiVersion: "v1",
        metadata: {},
        status: "Failure",
        code: 410,
      } as const;
      this.#sink.event({ type: "ERROR", object: { ...status, reason: "Expired", message } });
    } else this.#sink.ended(how === "reset" ? new ApiError("unreachable", "connection reset") : undefined);
  }

  cancel(): void {
    this.#isOver = true;
    this.cancelInner();
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  // What is on its way already comes first.
  #inOrder(seconds: number, tell: () => void): void {
    const at = Math.max(later(this.#clock.now(), seconds), this.#lastAt);
    if (at <= this.#clock.now()) {
      if (!this.#isOver) tell();
      return;
    }
    this.#lastAt = instant(at);
    const cancel = this.#clock.at(instant(at), () => {
      this.#timers.delete(cancel);
      tell();
    });
    this.#timers.add(cancel);
  }
}
