import type { Status } from "../api/core.ts";

/**
 * What a caller can do about a failed request:
 * `notFound` the object or kind is not there · `alreadyExists` · `conflict` somebody else wrote first, read and decide again ·
 * `expired` a watch or list must start anew · `invalid` the object is refused, the same request never succeeds ·
 * `forbidden` credentials or rights · `retryable` the same request may succeed later · `unreachable` no answer came.
 */
export type ApiErrorKind =
  | "notFound"
  | "alreadyExists"
  | "conflict"
  | "expired"
  | "invalid"
  | "forbidden"
  | "retryable"
  | "unreachable";

/** A request to a Kubernetes API server that did not succeed, classified once for everybody. */
export class ApiError extends Error {
  readonly kind: ApiErrorKind;
  /** HTTP status code; 0 when no answer came. */
  readonly code: number;
  readonly status: Status | undefined;

  constructor(kind: ApiErrorKind, message: string, code = 0, status?: Status, options?: ErrorOptions) {
    super(message, options);
    this.name = "ApiError";
    this.kind = kind;
    this.code = code;
    this.status = status;
  }

  static fromResponse(code: number, body: unknown): ApiError {
    const status = isStatus(body) ? body : undefined;
    const message = status?.message ?? (typeof body === "string" && body !== "" ? body : `HTTP ${code}`);
    return new ApiError(classify(code, status?.reason), message, code, status);
  }
}

/** For `catch`: undefined for an object that is not there, which needs nothing more. All else is thrown on. */
export function unlessGone(error: unknown): undefined {
  if (error instanceof ApiError && error.kind === "notFound") return undefined;
  throw error;
}

function isStatus(body: unknown): body is Status {
  return typeof body === "object" && body !== null && (body as { kind?: unknown }).kind === "Status";
}

function classify(code: number, reason: string | undefined): ApiErrorKind {
  if (reason === "AlreadyExists") return "alreadyExists";
  if (code === 404) return "notFound";
  if (code === 409) return "conflict";
  if (code === 410) return "expired";
  if (code === 401 || code === 403) return "forbidden";
  if (code === 408 || code === 429 || code >= 500) return "retryable";
  return "invalid";
}
