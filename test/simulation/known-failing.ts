/** Stories in which a rule is broken today, and why. Each has to fail; one that holds loses its line. */
export const knownFailing: ReadonlyMap<number | string, string> = new Map<number | string, string>([]);
