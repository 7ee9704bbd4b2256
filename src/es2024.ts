// What the code uses of ES2024 and Node 20 has not. Imported before all else that runs; newer Nodes have all of it.

supply(Promise, "withResolvers", <T>(): PromiseWithResolvers<T> => {
  const parts: Partial<PromiseWithResolvers<T>> = {};
  const promise = new Promise<T>((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return { resolve() {}, reject() {}, ...parts, promise };
});

supply(Map, "groupBy", groupBy);

supply(Object, "groupBy", <T>(items: Iterable<T>, keyOf: (item: T, index: number) => PropertyKey): object =>
  Object.fromEntries(groupBy(items, keyOf)),
);

function groupBy<K, T>(items: Iterable<T>, keyOf: (item: T, index: number) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const [index, item] of [...items].entries()) {
    const key = keyOf(item, index);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}

function supply(owner: object, name: string, value: unknown): void {
  if (!(name in owner)) Object.defineProperty(owner, name, { value, configurable: true, writable: true });
}
