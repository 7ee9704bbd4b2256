import type { ApiRequest, ApiResponse, Transport, WatchEvent, WatchSink } from "./transport.ts";

export interface OpenWatch {
  readonly request: ApiRequest;
  send(...events: readonly WatchEvent[]): void;
  end(error?: Error): void;
  readonly isCancelled: boolean;
}

/** A transport whose every answer a test decides. */
export class ScriptedTransport implements Transport {
  readonly requests: ApiRequest[] = [];
  readonly watches: OpenWatch[] = [];
  /** Answers a request; what it throws is the transport's failure. */
  answer: (request: ApiRequest) => ApiResponse | Promise<ApiResponse> = () => ({
    code: 500,
    body: "no answer set",
  });
  /** Refuses watches when set. */
  refuseWatch: Error | undefined;

  async request(request: ApiRequest): Promise<ApiResponse> {
    this.requests.push(request);
    await Promise.resolve();
    return this.answer(request);
  }

  watch(request: ApiRequest, sink: WatchSink): () => void {
    let isCancelled = false;
    const refusal = this.refuseWatch;
    const watch: OpenWatch = {
      request,
      send: (...events) => {
        for (const event of events) if (!isCancelled) sink.event(event);
      },
      end: (error) => {
        if (!isCancelled) sink.ended(error);
      },
      get isCancelled() {
        return isCancelled;
      },
    };
    this.watches.push(watch);
    void Promise.resolve().then(() => {
      if (isCancelled) return;
      if (refusal === undefined) sink.opened?.();
      else sink.ended(refusal);
    });
    return () => {
      isCancelled = true;
    };
  }

  /** The watch that was opened last. */
  get latest(): OpenWatch {
    const watch = this.watches.at(-1);
    if (watch === undefined) throw new Error("no watch has been opened");
    return watch;
  }
}
