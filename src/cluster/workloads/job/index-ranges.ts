/** Numbers as Kubernetes writes them down: `0-2,4,6,7`. Three in a row or more are a range. */
export function formatIndexes(indexes: Iterable<number>): string {
  const runs: { from: number; to: number }[] = [];
  for (const index of [...indexes].toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && index === last.to + 1) last.to = index;
    else runs.push({ from: index, to: index });
  }
  return runs
    .map(({ from, to }) => (from === to ? `${from}` : to === from + 1 ? `${from},${to}` : `${from}-${to}`))
    .join(",");
}

/** Reads what `formatIndexes` writes, and leaves out what is not below `limit`. */
export function parseIndexes(text: string | undefined, limit = Number.POSITIVE_INFINITY): Set<number> {
  const indexes = new Set<number>();
  for (const range of (text ?? "").split(",")) {
    if (range === "") continue;
    const [from = 0, to = from] = range.split("-").map(Number);
    for (let index = from; index <= to && index < limit; index++) indexes.add(index);
  }
  return indexes;
}
