import { BlockList, isIP } from "node:net";
import type { Environment } from "@marcbachmann/cel-js";

class Address {
  readonly text: string;
  readonly family: 4 | 6;

  constructor(text: string) {
    const family = isAddress(text) ? isIP(text) : 0;
    if (family !== 4 && family !== 6) throw new Error(`IP Address ${JSON.stringify(text)} parse error`);
    this.text = canonical(text);
    this.family = family;
  }

  isIn(...ranges: readonly string[]): boolean {
    return ranges.some((range) => new Range(range).has(this));
  }
}

/** As CIDR writes it. */
class Range {
  readonly address: Address;
  readonly bits: number;
  readonly #list = new BlockList();

  constructor(text: string) {
    const [, address = "", bits = ""] = /^(.*)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
    if (!isAddress(address) || Number(bits) > (isIP(address) === 4 ? 32 : 128)) {
      throw new Error(`network address parse error: ${JSON.stringify(text)}`);
    }
    this.address = new Address(address);
    this.bits = Number(bits);
    this.#list.addSubnet(address, this.bits, this.#familyName);
  }

  get #familyName(): "ipv4" | "ipv6" {
    return this.address.family === 4 ? "ipv4" : "ipv6";
  }

  has({ text, family }: Address): boolean {
    return family === this.address.family && this.#list.check(text, this.#familyName);
  }
}

// Neither zones nor IPv4 addresses within IPv6 ones are taken.
function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes("%") && !(isIP(text) === 6 && text.includes("."));
}

function canonical(text: string): string {
  return isIP(text) === 6 ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text;
}

function isRange(text: string): boolean {
  try {
    new Range(text);
    return true;
  } catch {
    return false;
  }
}

/** https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-ip-address-library, and that of CIDR */
export function registerAddresses(environment: Environment): void {
  environment
    .registerType("net.IP", { ctor: Address })
    .registerType("net.CIDR", { ctor: Range })
    .registerFunction("isIP(string): bool", isAddress)
    .registerFunction("ip(string): net.IP", (text: string) => new Address(text))
    .registerFunction("isCIDR(string): bool", isRange)
    .registerFunction("cidr(string): net.CIDR", (text: string) => new Range(text))
    .registerFunction("string(net.IP): string", ({ text }: Address) => text)
    .registerFunction("string(net.CIDR): string", ({ address, bits }: Range) => `${address.text}/${bits}`)
    .registerOperator("net.IP == net.IP", (a: Address, b: Address) => a.text === b.text)
    .registerOperator(
      "net.CIDR == net.CIDR",
      (a: Range, b: Range) => a.address.text === b.address.text && a.bits === b.bits,
    )
    .registerFunction("net.IP.family(): int", ({ family }: Address) => BigInt(family));
  const isWithin = (name: string, ...ranges: readonly string[]): void => {
    environment.registerFunction(`net.IP.${name}(): bool`, (address: Address) => address.isIn(...ranges));
  };
  isWithin("isUnspecified", "0.0.0.0/32", "::/128");
  isWithin("isLoopback", "127.0.0.0/8", "::1/128");
  isWithin("isLinkLocalMulticast", "224.0.0.0/24", "ff02::/16");
  isWithin("isLinkLocalUnicast", "169.254.0.0/16", "fe80::/10");
  const elsewhere = ["0.0.0.0/32", "255.255.255.255/32", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"];
  const elsewhere6 = ["::/127", "fe80::/10", "ff00::/8"];
  environment
    .registerFunction(
      "net.IP.isGlobalUnicast(): bool",
      (address: Address) => !address.isIn(...elsewhere, ...elsewhere6),
    )
    .registerFunction("net.CIDR.containsIP(net.IP): bool", (range: Range, address: Address) =>
      range.has(address),
    )
    .registerFunction("net.CIDR.containsIP(string): bool", (range: Range, text: string) =>
      range.has(new Address(text)),
    )
    .registerFunction("net.CIDR.containsCIDR(net.CIDR): bool", containsRange)
    .registerFunction("net.CIDR.containsCIDR(string): bool", (range: Range, text: string) =>
      containsRange(range, new Range(text)),
    )
    .registerFunction("net.CIDR.ip(): net.IP", ({ address }: Range) => address)
    .registerFunction("net.CIDR.prefixLength(): int", ({ bits }: Range) => BigInt(bits));
}

function containsRange(range: Range, inner: Range): boolean {
  return range.bits <= inner.bits && range.has(inner.address);
}
