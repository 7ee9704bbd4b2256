import type { KubernetesObject, Status } from "../api/core.ts";

/** Who makes a request, as the server has found out. */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  /** What else is known, as which pod a token belongs to: each name with its values. */
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path without query, segments percent-encoded: `/api/v1/namespaces/default/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** JSON value. For a patch its form is named by `contentType`. */
  readonly body?: unknown;
  /** Of the body; `application/json` when absent. */
  readonly contentType?: string;
  /** Form of the answer, as in the HTTP header; plain JSON when absent. */
  readonly accept?: string;
  /** Who asks, as in the HTTP header; the part before the first `/` is the field manager. */
  readonly userAgent?: string;
  /** Only for a server in the same process, which takes a request without it for one of its own. */
  readonly user?: User;
}

export interface ApiResponse {
  readonly code: number;
  /** JSON value; a string for the few endpoints that answer text (`pods/log`, `healthz`). */
  readonly body: unknown;
  /** Texts that the server wants people to see, as in `Warning` headers. */
  readonly warnings?: readonly string[];
  /** How long the server wants to be left alone before the same is asked again, as in the `Retry-After` header. */
  readonly retryAfterSeconds?: number;
}

export type WatchEvent =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"; readonly object: KubernetesObject }
  | { readonly type: "ERROR"; readonly object: Status };

/** Its methods must not throw: a watch whose sink does ends with that error. */
export interface WatchSink {
  /** Called once, when the server has accepted the watch. */
  opened?(): void;
  event(event: WatchEvent): void;
  /**
   * Asked before each event of a server in the same process: true when the sink takes no more now; `resume` is called when it
   * does again. Absent for a sink that takes all at once.
   */
  holds?(resume: () => void): boolean;
  /** Called once, unless the watch was cancelled: `error` is absent when the server ended it in good order. */
  ended(error?: Error): void;
}

/**
 * One way to reach an API server: over HTTP (`HttpTransport`) or in the same process (the embedded `ApiServer`).
 * An answer of any status code of the API is a result; only a request that got none rejects (with `ApiError` of kind
 * `unreachable`): nothing came in time, or what came is not the API's.
 */
export interface Transport {
  request(request: ApiRequest): Promise<ApiResponse>;
  /** Opens a watch; the caller sets `watch=true` and the other query fields. Returns what cancels it. */
  watch(request: ApiRequest, sink: WatchSink): () => void;
}
