import type { Pod } from "../../../api/core.ts";
import { type Instant, later, parseTime } from "../../../time/clock.ts";
import { integerIn, isSet } from "../options.ts";
import { badRequest, type FieldError, fieldError, invalid } from "../refusal.ts";
import { containerMeant } from "./pod-container.ts";

/** What of a container's log is asked for. */
export interface PodLogOptions {
  readonly container: string;
  /** Whether to go on with what is written later. */
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines: number | undefined;
  /** Only what was written from then on. */
  readonly since: Instant | undefined;
  readonly limitBytes: number | undefined;
}

/**
 * Finds a container's log, which comes in pieces and ends when there is no more, or when `signal` aborts. Rejects with a
 * refusal when there is none.
 */
export type PodLogs = (
  pod: Pod,
  options: PodLogOptions,
  signal: AbortSignal,
) => Promise<AsyncIterable<Uint8Array>>;

/** Which container's log a request means, and how much of it. Throws a refusal in the server's words. */
export function podLogOptions(
  pod: Pod,
  query: Readonly<Record<string, string>>,
  now: Instant,
): PodLogOptions {
  const container = containerMeant(pod, query.container);
  checkAmounts(pod.metadata.name, query);
  return {
    container,
    follow: isSet(query.follow),
    previous: isSet(query.previous),
    timestamps: isSet(query.timestamps),
    tailLines: integerIn(query.tailLines),
    since: sinceWhen(query, now),
    limitBytes: integerIn(query.limitBytes),
  };
}

function checkAmounts(pod: string, query: Readonly<Record<string, string>>): void {
  const { tailLines, sinceSeconds, limitBytes } = query;
  const least = (text: string | undefined, bound: number, field: string, words: string): FieldError[] => {
    const value = integerIn(text);
    return value === undefined || value >= bound ? [] : [fieldError.invalid(field, value, words)];
  };
  const errors = [
    ...(query.stream === undefined || query.stream === "All"
      ? []
      : [fieldError.forbidden("stream", "may not be specified")]),
    ...least(tailLines, 0, "tailLines", "must be greater than or equal to 0"),
    ...least(limitBytes, 1, "limitBytes", "must be greater than 0"),
    ...(sinceSeconds !== undefined && query.sinceTime !== undefined
      ? [fieldError.forbidden("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified")]
      : least(sinceSeconds, 1, "sinceSeconds", "must be greater than 0")),
  ];
  if (errors.length > 0) throw invalid({ group: "", kind: "PodLogOptions" }, pod, errors);
}

function sinceWhen(
  { sinceSeconds, sinceTime }: Readonly<Record<string, string>>,
  now: Instant,
): Instant | undefined {
  const seconds = integerIn(sinceSeconds);
  if (seconds !== undefined) return later(now, -seconds);
  if (sinceTime === undefined || sinceTime === "") return undefined;
  const since = parseTime(sinceTime);
  if (since !== undefined) return since;
  const quoted = JSON.stringify(sinceTime);
  throw badRequest(`parsing time ${quoted} as "2006-01-02T15:04:05Z07:00": cannot parse ${quoted} as "2006"`);
}
