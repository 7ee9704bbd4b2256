/** One request as the load saw it. Times are nanoseconds of the machine's monotonic clock, the same for all processes. */
export interface RequestRecord {
  readonly startedAt: bigint;
  readonly endedAt: bigint;
  /** When the connection that it went over was opened. */
  readonly connectedAt: bigint;
  readonly outcome: { readonly version: string } | { readonly failure: string };
}

/** What became of the requests since a moment, or of all. */
export interface LoadReport {
  readonly requests: number;
  readonly answersByVersion: Readonly<Record<string, number>>;
  readonly failuresByKind: Readonly<Record<string, number>>;
  /** Requests whose connection was cut because the process that carried it was ended from outside; no failures of a release. */
  readonly cut: number;
  /** The same, of requests that were started after the moment. */
  readonly startedAfter: {
    readonly requests: number;
    readonly answersByVersion: Readonly<Record<string, number>>;
    /** Of these, over connections that had been opened before the moment. */
    readonly overOlderConnections: number;
  };
  /** Requests started before the moment and answered after it. */
  readonly answeredAcross: Readonly<Record<string, number>>;
  /** When the first request that each version answered after the moment was answered; nanoseconds as text. */
  readonly firstAnswerAt: Readonly<Record<string, string>>;
}

// How far apart a cut connection and the end of the process that had it may be seen.
const sameEventNanoseconds = 2_000_000_000n;

/** Counts `records` with respect to `moment`; `trafficEnds` are the moments at which the process that carries traffic has ended. */
export function reportOf(
  records: readonly RequestRecord[],
  moment: bigint,
  trafficEnds: readonly bigint[] = [],
): LoadReport {
  const after = records.filter(({ startedAt }) => startedAt > moment);
  const across = records.filter(({ startedAt, endedAt }) => startedAt <= moment && endedAt > moment);
  return {
    requests: records.length,
    answersByVersion: countBy(records.flatMap(versionOf)),
    failuresByKind: countBy(
      records.flatMap((record) =>
        "failure" in record.outcome && !isCut(record, trafficEnds) ? [record.outcome.failure] : [],
      ),
    ),
    cut: records.filter((record) => isCut(record, trafficEnds)).length,
    startedAfter: {
      requests: after.length,
      answersByVersion: countBy(after.flatMap(versionOf)),
      overOlderConnections: after.filter(({ connectedAt }) => connectedAt < moment).length,
    },
    answeredAcross: countBy(across.flatMap(versionOf)),
    firstAnswerAt: firstAnswers(records.filter(({ endedAt }) => endedAt > moment)),
  };
}

export function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function isCut({ startedAt, endedAt, outcome }: RequestRecord, trafficEnds: readonly bigint[]): boolean {
  if (!("failure" in outcome) || outcome.failure !== "ECONNRESET") return false;
  return trafficEnds.some((end) => {
    const apart = endedAt > end ? endedAt - end : end - endedAt;
    return startedAt < end && apart < sameEventNanoseconds;
  });
}

function versionOf({ outcome }: RequestRecord): readonly string[] {
  return "version" in outcome ? [outcome.version] : [];
}

function countBy(words: readonly string[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return Object.fromEntries(counts);
}

function firstAnswers(records: readonly RequestRecord[]): Readonly<Record<string, string>> {
  const first = new Map<string, bigint>();
  for (const record of records) {
    for (const version of versionOf(record)) {
      const known = first.get(version);
      if (known === undefined || record.endedAt < known) first.set(version, record.endedAt);
    }
  }
  return Object.fromEntries([...first].map(([version, at]) => [version, String(at)]));
}
