import { closeSync, openSync, readSync } from "node:fs";
import { endianness } from "node:os";

/** A socket of this machine that takes connections. */
export interface Listener {
  /** `127.1.0.2`, or `*` for every address. */
  readonly address: string;
  readonly port: number;
  /** Tells the socket from every other. */
  readonly inode: string;
  /** Of what the kernel knows by IPv4 or IPv6 alone, the former comes first. */
  readonly family: 4 | 6;
}

const listenState = "0A";
const mappedPrefix = "0000000000000000FFFF0000";

/**
 * All listeners that an IPv4 client can meet, as far as they could be seen from here; none where there is no `/proc`. Costs as
 * much as there are listeners, however many connections there are.
 */
export function listeners(): readonly Listener[] {
  if (process.platform !== "linux") return [];
  return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) => listenersIn(listeningPartOf(path)));
}

/** Those who take a connection to `address:port`: who has said that address goes before who takes all. */
export function listenersAt(all: readonly Listener[], address: string, port: number): readonly Listener[] {
  const atPort = all.filter((one) => one.port === port);
  const exact = atPort.filter((one) => one.address === address);
  if (exact.length > 0) return exact;
  const wildcard = atPort.filter((one) => one.address === "*");
  const first = wildcard.filter(({ family }) => family === 4);
  return first.length > 0 ? first : wildcard;
}

/** The listeners in the text of `/proc/net/tcp` or `/proc/net/tcp6`. */
export function listenersIn(table: string): readonly Listener[] {
  return table.split("\n").flatMap((line) => {
    const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    const [hex = "", port = ""] = local.split(":");
    const address = addressFrom(hex);
    if (state !== listenState || address === undefined) return [];
    return [{ address, port: Number.parseInt(port, 16), inode, family: hex.length === 8 ? 4 : 6 } as const];
  });
}

/** Undefined for an address that no IPv4 client can connect to. */
function addressFrom(hex: string): string | undefined {
  if (/^0+$/.test(hex)) return "*";
  if (hex.startsWith(mappedPrefix)) return addressFrom(hex.slice(mappedPrefix.length));
  if (hex.length !== 8) return undefined;
  const bytes = [...Buffer.from(hex, "hex")];
  return (endianness() === "LE" ? bytes.reverse() : bytes).join(".");
}

/** The kernel lists listeners first; what may be ten thousand connections follows. */
function listeningPartOf(path: string): string {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    // A kernel without IPv6 has no table of it.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
  try {
    const bytes = Buffer.alloc(64 * 1024);
    let text = "";
    for (;;) {
      const length = readSync(file, bytes, 0, bytes.length, null);
      const part = bytes.toString("latin1", 0, length);
      text += part;
      if (length === 0 || hasOtherState(part)) return text;
    }
  } finally {
    closeSync(file);
  }
}

// Reads end at ends of lines.
function hasOtherState(part: string): boolean {
  const last = part.trimEnd().split("\n").at(-1)?.trim().split(/\s+/) ?? [];
  return last[0] !== "sl" && last[3] !== listenState;
}
