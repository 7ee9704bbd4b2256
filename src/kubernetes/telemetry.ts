import type { Clock } from "../time/clock.ts";
import { ApiError } from "./errors.ts";
import type { ApiRequest, Transport } from "./transport.ts";

/** What a program's parts tell of their work, for metrics. Nothing depends on it; its methods must not throw. */
export interface Telemetry {
  /** A request was answered with this code of the API, or with none: `unreachable`. Watches are not told. */
  requested?(request: Requested): void;
  /** A queue has ended a pass over one of its keys. */
  passed?(pass: {
    readonly queue: string;
    readonly result: "done" | "postponed" | "failed";
    readonly seconds: number;
  }): void;
  /** So many keys of a queue wait for their pass. */
  queued?(state: { readonly queue: string; readonly keys: number }): void;
}

export interface Requested {
  readonly method: ApiRequest["method"];
  /** The kind that it was about, as in its path: `rollouts`, `rollouts/status`. */
  readonly what: string;
  readonly code: number | "unreachable";
  readonly seconds: number;
}

/** Tells of every request that goes through it. */
export function measured(transport: Transport, clock: Clock, telemetry: Telemetry): Transport {
  return {
    async request(request) {
      const began = clock.now();
      const tell = (code: Requested["code"]): void =>
        telemetry.requested?.({
          method: request.method,
          what: kindIn(request.path),
          code,
          seconds: (clock.now() - began) / 1000,
        });
      try {
        const response = await transport.request(request);
        tell(response.code);
        return response;
      } catch (error) {
        tell(error instanceof ApiError && error.code > 0 ? error.code : "unreachable");
        throw error;
      }
    },
    watch: (request, sink) => transport.watch(request, sink),
  };
}

/** `/apis/apps/v1/namespaces/shop/replicasets/web/scale` is about `replicasets/scale`. */
function kindIn(path: string): string {
  const [, root, ...rest] = path.split("/");
  const parts = rest.slice(root === "apis" ? 2 : 1);
  const isInNamespace = parts[0] === "namespaces" && parts.length > 2 && !namespaceSubresources.has(parts[2]);
  const [plural = "", , subresource] = isInNamespace ? parts.slice(2) : parts;
  return subresource === undefined ? plural : `${plural}/${subresource}`;
}

const namespaceSubresources: ReadonlySet<string | undefined> = new Set(["status", "finalize"]);
