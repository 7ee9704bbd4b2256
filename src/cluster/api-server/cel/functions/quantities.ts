import type { Environment } from "@marcbachmann/cel-js";
import { quantityValue } from "../../../../api/quantity.ts";

/** An amount such as `1Gi`, in billionths. */
class Quantity {
  readonly billionths: bigint;

  constructor(billionths: bigint) {
    this.billionths = billionths;
  }
}

const one = 1_000_000_000n;

function parsed(text: string): Quantity {
  const value = quantityValue(text);
  if (value === undefined) {
    throw new Error(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
  }
  return new Quantity(value);
}

/** https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-quantity-library */
export function registerQuantities(environment: Environment): void {
  environment
    .registerType("kubernetes.Quantity", { ctor: Quantity })
    .registerFunction("isQuantity(string): bool", (text: string) => quantityValue(text) !== undefined)
    .registerFunction("quantity(string): kubernetes.Quantity", parsed)
    .registerOperator(
      "kubernetes.Quantity == kubernetes.Quantity",
      (a: Quantity, b: Quantity) => a.billionths === b.billionths,
    );
  const method = (signature: string, handler: (quantity: Quantity, other: Quantity) => unknown): void => {
    environment.registerFunction(`kubernetes.Quantity.${signature}`, handler);
  };
  const withInteger = (name: string, handler: (a: bigint, b: bigint) => bigint): void => {
    method(
      `${name}(kubernetes.Quantity): kubernetes.Quantity`,
      (a, b) => new Quantity(handler(a.billionths, b.billionths)),
    );
    environment.registerFunction(
      `kubernetes.Quantity.${name}(int): kubernetes.Quantity`,
      (a: Quantity, b: bigint) => new Quantity(handler(a.billionths, b * one)),
    );
  };
  withInteger("add", (a, b) => a + b);
  withInteger("sub", (a, b) => a - b);
  method("isInteger(): bool", ({ billionths }) => billionths % one === 0n);
  method("asInteger(): int", ({ billionths }) => {
    if (billionths % one !== 0n) throw new Error("cannot convert value to integer");
    return billionths / one;
  });
  method("asApproximateFloat(): double", ({ billionths }) => Number(billionths) / Number(one));
  method("sign(): int", ({ billionths }) => order(billionths, 0n));
  method("compareTo(kubernetes.Quantity): int", (a, b) => order(a.billionths, b.billionths));
  method("isLessThan(kubernetes.Quantity): bool", (a, b) => a.billionths < b.billionths);
  method("isGreaterThan(kubernetes.Quantity): bool", (a, b) => a.billionths > b.billionths);
}

function order(a: bigint, b: bigint): bigint {
  return BigInt(Number(a > b) - Number(a < b));
}
