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

/** Counts `records` with respect to `moment`. */
export function reportOf(records: readonly RequestRecord[], moment: bigint): LoadReport {
  const after = records.filter(({ startedAt }) => startedAt > moment);
  const across = records.filter(({ startedAt, endedAt }) => startedAt <= moment && endedAt > moment);
  return {
    requests: records.length,
    answersByVersion: countBy(records.flatMap(versionOf)),
    failuresByKind: countBy(
      records.flatMap(({ outcome }) => ("failure" in outcome ? [outcome.failure] : [])),
    ),
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
