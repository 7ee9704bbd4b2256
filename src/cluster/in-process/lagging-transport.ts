import type { ApiRequest, ApiResponse, Transport, WatchSink } from "../../kubernetes/transport.ts";
import { type Cancel, type Clock, later } from "../../time/clock.ts";
import { pause } from "../../time/pause.ts";
import type { ApiServer } from "../api-server/api-server.ts";

/** Lets some requests take their time. */
export class LaggingTransport implements Transport {
  readonly #inner: ApiServer;
  readonly #clock: Clock;
  readonly #late: RegExp;
  readonly #stopped = new AbortController();
  /** How late they are. */
  seconds: number;

  /** `late` is matched against `PATCH /apis/apps/v1/namespaces/default/replicasets/web/status`. */
  constructor(inner: ApiServer, clock: Clock, late: RegExp, seconds: number) {
    this.#inner = inner;
    this.#clock = clock;
    this.#late = late;
    this.seconds = seconds;
  }

  async request(request: ApiRequest): Promise<ApiResponse> {
    if (this.seconds > 0 && this.#late.test(`${request.method} ${request.path}`))
      await pause(this.#clock, later(this.#clock.now(), this.seconds), this.#stopped.signal);
    return await this.#inner.request(request);
  }

  watch(request: ApiRequest, sink: WatchSink): Cancel {
    return this.#inner.watch(request, sink);
  }

  resources(): ReturnType<ApiServer["resources"]> {
    return this.#inner.resources();
  }

  /** Nothing is late any more, nor waits. */
  stop(): void {
    this.#stopped.abort();
  }
}
