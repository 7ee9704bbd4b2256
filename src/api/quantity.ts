// Kubernetes' quantities: a decimal number with a suffix. Three notations: decimal (n u m k M G T P E), binary (Ki Mi Gi
// Ti Pi Ei) and scientific (e3). The API server writes every quantity back in the canonical form of its notation.

const pattern = /^([+-]?)(\d*)(?:\.(\d*))?(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d+)?$/;

const decimalExponents: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  "": 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

// Values are held as whole billionths, the finest that Kubernetes keeps.
const finest = 9;
const one = 10n ** BigInt(finest);

interface Quantity {
  readonly negative: boolean;
  readonly billionths: bigint;
  readonly notation: "decimal" | "binary" | "scientific";
}

/**
 * Kubernetes' canonical form: no fraction and the largest suffix that loses nothing: `0.5` is `500m`, `1024Mi` is `1Gi`.
 * `decimals` is how many digits after the point are kept (rounded away from zero); resource lists keep 3.
 * Undefined for a text that is no quantity.
 */
export function canonicalQuantity(text: string, decimals = finest): string | undefined {
  const quantity = parse(text.trim());
  if (quantity === undefined) return undefined;
  const unit = 10n ** BigInt(finest - decimals);
  const billionths = roundUp(quantity.billionths, unit);
  if (billionths === 0n) return "0";
  const sign = quantity.negative ? "-" : "";
  if (quantity.notation === "binary" && billionths >= 1024n * one) return sign + binaryText(billionths);
  return sign + decimalText(billionths, quantity.notation === "scientific");
}

/** The amount in billionths, the same for all texts that mean the same; undefined for a text that is no quantity. */
export function quantityValue(text: string): bigint | undefined {
  const quantity = parse(text.trim());
  if (quantity === undefined) return undefined;
  return quantity.negative ? -quantity.billionths : quantity.billionths;
}

function parse(text: string): Quantity | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", suffix = ""] = match;
  if (whole === "" && fraction === "") return undefined;
  const digits = BigInt(whole + fraction);
  const binary = binarySuffixes.indexOf(suffix);
  const negative = sign === "-";
  if (binary > 0) {
    const scaled = digits * 1024n ** BigInt(binary) * one;
    return {
      negative,
      billionths: roundUpDivide(scaled, 10n ** BigInt(fraction.length)),
      notation: "binary",
    };
  }
  const named = decimalExponents[suffix];
  const exponent = (named ?? Number(suffix.slice(1))) + finest - fraction.length;
  if (Math.abs(exponent) > 400) return undefined;
  const billionths =
    exponent >= 0 ? digits * 10n ** BigInt(exponent) : roundUpDivide(digits, 10n ** BigInt(-exponent));
  return { negative, billionths, notation: named === undefined ? "scientific" : "decimal" };
}

function binaryText(billionths: bigint): string {
  let value = roundUpDivide(billionths, one);
  let step = 0;
  while (step < binarySuffixes.length - 1 && value % 1024n === 0n) {
    value /= 1024n;
    step += 1;
  }
  return `${value}${binarySuffixes[step]}`;
}

function decimalText(billionths: bigint, scientific: boolean): string {
  let value = billionths;
  let exponent = -finest;
  while (exponent < 18 && value % 1000n === 0n) {
    value /= 1000n;
    exponent += 3;
  }
  if (exponent === 0) return String(value);
  if (scientific) return `${value}e${exponent}`;
  const suffix = Object.keys(decimalExponents).find((name) => decimalExponents[name] === exponent);
  return `${value}${suffix}`;
}

function roundUp(value: bigint, unit: bigint): bigint {
  return roundUpDivide(value, unit) * unit;
}

function roundUpDivide(value: bigint, divisor: bigint): bigint {
  return (value + divisor - 1n) / divisor;
}

/** Less than 0, 0 or more than 0 as `a` is less than, equal to or more than `b`. A text that is no quantity counts as 0. */
export function compareQuantities(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => {
    const quantity = parse(text.trim());
    if (quantity === undefined) return 0n;
    return quantity.negative ? -quantity.billionths : quantity.billionths;
  });
  return Number((left ?? 0n) > (right ?? 0n)) - Number((left ?? 0n) < (right ?? 0n));
}
