import { ApiError } from "../../../src/kubernetes/errors.ts";
import type { ApiRequest, ApiResponse, Transport, WatchSink } from "../../../src/kubernetes/transport.ts";
import type { Cancel } from "../../../src/time/clock.ts";

/** How a write goes wrong: refused, or its answer lost with the write not made or made. */
export type Failure = "conflict" | "server error" | "lost before" | "lost after";

export interface Fault {
  /** Matched against `PATCH /api/v1/namespaces/default/services/web`. */
  readonly write: RegExp;
  readonly failure: Failure;
  /** How many matching writes are let through before. */
  readonly after: number;
  /** How many then fail. */
  readonly times: number;
}

// More than any scenario needs. A controller that gets here writes in circles, and would do so for ever.
const endless = 1000;

/**
 * The way of one controller process to the API server. Counts what it writes, lets writes fail on demand, and can be cut:
 * with the last allowed write still carried out but its answer lost, as when the process is killed at that moment.
 */
export class SeveredTransport implements Transport {
  readonly #inner: Transport;
  readonly #watches = new Set<Cancel>();
  #allowedWrites: number;
  #cut = false;
  #fault: (Fault & { seen: number }) | undefined;
  /** How many requests so far have asked for a change. */
  writes = 0;
  /** How many of them were Events. */
  eventWrites = 0;

  constructor(inner: Transport, allowedWrites = Number.POSITIVE_INFINITY) {
    this.#inner = inner;
    this.#allowedWrites = allowedWrites;
  }

  get isCut(): boolean {
    return this.#cut;
  }

  get wroteWithoutEnd(): boolean {
    return this.writes >= endless;
  }

  cut(): void {
    this.#cut = true;
    for (const cancel of this.#watches) cancel();
    this.#watches.clear();
  }

  /** Cuts with the n-th write from now on. */
  cutAfter(n: number): void {
    this.#allowedWrites = this.writes + n;
  }

  fail(fault: Fault): void {
    this.#fault = { ...fault, seen: 0 };
  }

  async request(request: ApiRequest): Promise<ApiResponse> {
    this.#refuseWhenCut();
    if (request.method === "GET") return await this.#inner.request(request);
    this.writes++;
    if (request.path.includes("/events")) this.eventWrites++;
    if (this.writes >= Math.min(this.#allowedWrites, endless)) this.cut();
    const failure = this.#failureOf(request);
    if (failure === "conflict") return refusal(409, "Conflict");
    if (failure === "server error") return refusal(500, "InternalError");
    if (failure === "lost before") throw new ApiError("unreachable", "connection reset");
    const response = await this.#inner.request(request);
    this.#refuseWhenCut();
    if (failure === "lost after") throw new ApiError("unreachable", "connection reset");
    return response;
  }

  watch(request: ApiRequest, sink: WatchSink): Cancel {
    if (this.#cut) return () => {};
    const cancel = this.#inner.watch(request, sink);
    this.#watches.add(cancel);
    return () => {
      this.#watches.delete(cancel);
      cancel();
    };
  }

  #failureOf({ method, path }: ApiRequest): Failure | undefined {
    const fault = this.#fault;
    if (fault === undefined || !fault.write.test(`${method} ${path}`)) return undefined;
    fault.seen++;
    return fault.seen > fault.after && fault.seen <= fault.after + fault.times ? fault.failure : undefined;
  }

  #refuseWhenCut(): void {
    if (this.#cut) throw new ApiError("unreachable", "the process was killed");
  }
}

function refusal(code: number, reason: string): ApiResponse {
  const message = "refused by the scenario";
  return {
    code,
    body: { apiVersion: "v1", kind: "Status", metadata: {}, status: "Failure", message, reason, code },
  };
}
