import type { Status } from "../api/core.ts";
import { isRecord } from "./is-record.ts";

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

/** A longer wait than this is not believed: what asks for it may have been set up wrongly, or not be the API at all. */
const longestRetryAfterSeconds = 120;
const longestMessage = 500;

/** A request to a Kubernetes API server that did not succeed, classified once for everybody. */
export class ApiError extends Error {
  readonly kind: ApiErrorKind;
  /** HTTP status code; 0 when no answer came. */
  readonly code: number;
  readonly status: Status | undefined;
  /** How long the server wants to be left alone before the same is asked again, 120 s at most. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    kind: ApiErrorKind,
    message: string,
    code = 0,
    status?: Status,
    options?: ErrorOptions & { readonly retryAfterSeconds?: number | undefined },
  ) {
    super(message, options);
    this.name = "ApiError";
    this.kind = kind;
    this.code = code;
    this.status = status;
    const wait = options?.retryAfterSeconds ?? status?.details?.retryAfterSeconds;
    this.retryAfterSeconds =
      typeof wait === "number" && wait > 0 ? Math.min(wait, longestRetryAfterSeconds) : undefined;
  }

  /** From whatever came, however odd. */
  static fromResponse(code: number, body: unknown, retryAfterSeconds?: number): ApiError {
    const status = statusOf(body);
    const text = status?.message ?? messageOf(code, body);
    const message = code === 401 ? `the server did not accept the credentials: ${text}` : text;
    return new ApiError(classify(code, status?.reason), message, code, status, { retryAfterSeconds });
  }
}

/** What a watch's ERROR event should carry, whatever it carries. */
export function asStatus(body: unknown): Status {
  const { code, message } = ApiError.fromResponse(500, body);
  const failure = {
    apiVersion: "v1",
    kind: "Status",
    metadata: {},
    status: "Failure",
    code,
    message,
  } as const;
  return statusOf(body) ?? failure;
}

/**
 * For `catch`: undefined for an object that is not there, which needs nothing more; nor does one whose uid was named and whose
 * name is another's by now. All else is thrown on.
 */
export function unlessGone(error: unknown): undefined {
  if (error instanceof ApiError && (error.kind === "notFound" || isOfAnother(error))) return undefined;
  throw error;
}

/** Whether a request that named a uid found an object of another one. */
function isOfAnother({ kind, message, status }: ApiError): boolean {
  if (kind === "invalid")
    return (status?.details?.causes ?? []).some(({ field }) => field === "metadata.uid");
  // Kubernetes has no other sign of it.
  return kind === "conflict" && /UID in (the )?precondition/.test(message);
}

/** A `Status` with what is as it should be; undefined for anything else. */
function statusOf(body: unknown): Status | undefined {
  if (!isRecord(body) || body["kind"] !== "Status") return undefined;
  const { message, reason, code, details, metadata } = body;
  const { causes, retryAfterSeconds, ...others } = isRecord(details) ? details : {};
  const status: object = {
    ...body,
    metadata: isRecord(metadata) ? metadata : {},
    ...only("message", message, "string"),
    ...only("reason", reason, "string"),
    ...only("code", code, "number"),
    details: isRecord(details)
      ? {
          ...others,
          ...(Array.isArray(causes) ? { causes: causes.filter(isRecord) } : {}),
          ...only("retryAfterSeconds", retryAfterSeconds, "number"),
        }
      : undefined,
  };
  return status as Status;
}

function only(field: string, value: unknown, type: "string" | "number"): object {
  // What is of another type must not stay behind.
  return { [field]: typeof value === type && value !== "" ? value : undefined };
}

function messageOf(code: number, text: unknown): string {
  if (typeof text !== "string" || text.trim() === "") return `HTTP ${code}`;
  if (/^\s*<(!doctype|html|\?xml)/i.test(text))
    return `HTTP ${code} with a web page; is a proxy or another program at this address?`;
  return text.length > longestMessage ? `${text.slice(0, longestMessage)} …` : text;
}

function classify(code: number, reason: string | undefined): ApiErrorKind {
  if (reason === "AlreadyExists") return "alreadyExists";
  if (code === 404) return "notFound";
  if (code === 409) return "conflict";
  if (code === 410) return "expired";
  if (code === 403) return "forbidden";
  // 401 says nothing about rights: credentials are renewed, and the server's own look-up of them may fail for a moment.
  if (code === 401 || code === 408 || code === 429 || code >= 500) return "retryable";
  return "invalid";
}
