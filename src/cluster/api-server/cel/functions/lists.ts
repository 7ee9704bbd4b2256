import type { Environment } from "@marcbachmann/cel-js";
import { equalValues } from "../equal-values.ts";

type Ordered = string | bigint | number | boolean | Date | { valueOf(): number };

class Sets {}

/** https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-list-library, and CEL's library of sets */
export function registerLists(environment: Environment): void {
  environment
    .registerFunction("list<A>.isSorted(): bool", (list: readonly Ordered[]) =>
      list.every((each, index) => index === 0 || (list[index - 1] as Ordered) <= each),
    )
    .registerFunction("list<A>.min(): A", (list: readonly Ordered[]) => extreme("min", list, (a, b) => a < b))
    .registerFunction("list<A>.max(): A", (list: readonly Ordered[]) => extreme("max", list, (a, b) => a > b))
    .registerFunction("list<int>.sum(): int", (list: readonly bigint[]) => list.reduce((a, b) => a + b, 0n))
    .registerFunction("list<double>.sum(): double", (list: readonly number[]) =>
      list.reduce((a, b) => a + b, 0),
    )
    .registerFunction("list<A>.indexOf(A): int", (list: readonly unknown[], wanted: unknown) =>
      BigInt(list.findIndex((each) => equalValues(each, wanted))),
    )
    .registerFunction("list<A>.lastIndexOf(A): int", (list: readonly unknown[], wanted: unknown) =>
      BigInt(list.findLastIndex((each) => equalValues(each, wanted))),
    );
  const contains = (list: readonly unknown[], part: readonly unknown[]): boolean =>
    part.every((each) => list.some((one) => equalValues(each, one)));
  const onSets = (name: string, handler: (a: readonly unknown[], b: readonly unknown[]) => boolean): void => {
    environment.registerFunction(
      `kubernetes.Sets.${name}(list<A>, list<A>): bool`,
      (_sets: unknown, a: readonly unknown[], b: readonly unknown[]) => handler(a, b),
    );
  };
  environment.registerType("kubernetes.Sets", { ctor: Sets });
  environment.registerConstant("sets", "kubernetes.Sets", new Sets());
  onSets("contains", contains);
  onSets("equivalent", (a, b) => contains(a, b) && contains(b, a));
  onSets("intersects", (a, b) => a.some((each) => b.some((one) => equalValues(each, one))));
}

function extreme(
  name: string,
  list: readonly Ordered[],
  isBetter: (a: Ordered, b: Ordered) => boolean,
): Ordered {
  const [first, ...rest] = list;
  if (first === undefined) throw new Error(`${name} called on empty list`);
  return rest.reduce((best, each) => (isBetter(each, best) ? each : best), first);
}
