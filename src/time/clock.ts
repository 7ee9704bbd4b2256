/** A point in time: milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number & { readonly unit: "milliseconds since epoch" };

/** Takes back a timer; harmless when it has already run. */
export type Cancel = () => void;

/** The only source of time, of timers and of the chance in waits. Real programs run on `SystemClock`, tests on `ManualClock`. */
export interface Clock {
  now(): Instant;
  /** Runs `run` once at `instant`, at once (but not within this call) when that is past. */
  at(instant: Instant, run: () => void): Cancel;
  /** From 0 to 1, 1 excluded, as `Math.random`: what makes waits differ (`retrySeconds`). */
  random(): number;
}

export function instant(milliseconds: number): Instant {
  return milliseconds as Instant;
}

export function later(from: Instant, seconds: number): Instant {
  return instant(from + seconds * 1000);
}

/** Undefined stands for never. */
export function earliest(...instants: readonly (Instant | undefined)[]): Instant | undefined {
  return instants.reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a), undefined);
}

/** Kubernetes' wire form of a time, in whole seconds: `2026-11-21T12:00:00Z`. */
export function formatTime(at: Instant): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

/** The same for a time before which something must not happen: a fraction of a second counts as a whole one. */
export function formatTimeNotBefore(at: Instant): string {
  return formatTime(instant(Math.ceil(at / 1000) * 1000));
}

/** Reads Kubernetes' wire form; undefined for a text that is no time. */
export function parseTime(text: string): Instant | undefined {
  const milliseconds = Date.parse(text);
  return Number.isNaN(milliseconds) ? undefined : instant(milliseconds);
}
