import { isIPv4, isIPv6, connect as open, type Socket } from "node:net";

/** What a SOCKS5 proxy's answer to a request means (RFC 1928, section 6). */
const refusals: Readonly<Record<number, string>> = {
  1: "it has failed",
  2: "its rules do not allow this",
  3: "there is no way to the network",
  4: "there is no way to the host",
  5: "nothing listens there",
  6: "the way is too long",
  7: "it makes no connections",
  8: "it does not know this kind of address",
};

/**
 * A connection to `host` and `port` through a SOCKS5 proxy (RFC 1928), with the name and password of its URL (RFC 1929) where
 * it has them. Host names are looked up by the proxy. Rejects when the proxy closes, refuses, is silent for `milliseconds`, or is
 * none; `signal` breaks the connection off at any time.
 */
export async function throughSocks(
  proxy: URL,
  host: string,
  port: number,
  { milliseconds, signal }: { readonly milliseconds: number; readonly signal: AbortSignal },
): Promise<Socket> {
  const to = { port: Number(proxy.port || 1080), host: proxy.hostname.replace(/^\[|\]$/g, "") };
  const socket = open({ ...to, signal });
  // What breaks later is told to whoever uses the connection then.
  socket.on("error", () => {});
  socket.setTimeout(milliseconds, () => socket.destroy(new Error("the proxy does not answer")));
  try {
    const [name, password] = [decodeURIComponent(proxy.username), decodeURIComponent(proxy.password)];
    const methods = name === "" ? [0] : [0, 2];
    socket.write(Buffer.from([5, methods.length, ...methods]));
    const [version, method] = await take(socket, 2);
    if (version !== 5) throw new Error("what listens there is no SOCKS5 proxy");
    if (method === 2 && name !== "") await authenticate(socket, name, password);
    else if (method !== 0) throw new Error("the proxy wants a name and a password, or another proof");
    socket.write(Buffer.from([5, 1, 0, ...addressOf(host), port >> 8, port & 255]));
    const [, code = 1, , kind] = await take(socket, 4);
    if (code !== 0) throw new Error(`the proxy does not connect: ${refusals[code] ?? `code ${code}`}`);
    const length = kind === 1 ? 4 : kind === 4 ? 16 : (await take(socket, 1))[0];
    await take(socket, (length ?? 0) + 2);
    socket.setTimeout(0);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function authenticate(socket: Socket, name: string, password: string): Promise<void> {
  socket.write(Buffer.from([1, ...withLength(name), ...withLength(password)]));
  const [, status] = await take(socket, 2);
  if (status !== 0) throw new Error("the proxy refuses name and password");
}

function addressOf(host: string): readonly number[] {
  const bare = host.replace(/^\[|\]$/g, "");
  if (isIPv4(bare)) return [1, ...bare.split(".").map(Number)];
  if (isIPv6(bare)) return [4, ...bytesOf(bare)];
  return [3, ...withLength(bare)];
}

/** Of an IPv6 address as a `URL` writes it. */
function bytesOf(address: string): readonly number[] {
  const [before = "", after = ""] = address.split("::");
  const groups = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const [start, end] = [groups(before), groups(after)];
  const zeros = Array<number>(8 - start.length - end.length).fill(0);
  return [...start, ...zeros, ...end].flatMap((group) => [group >> 8, group & 255]);
}

function withLength(text: string): readonly number[] {
  const bytes = Buffer.from(text);
  if (bytes.length > 255) throw new Error("a SOCKS5 proxy takes names and passwords of 255 bytes at most");
  return [bytes.length, ...bytes];
}

/** The next bytes, exactly so many. */
function take(socket: Socket, count: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const look = (): void => {
    const bytes = socket.read(count) as Buffer | null;
    if (bytes?.length === count) resolve(bytes);
    else if (bytes !== null) reject(new Error("the proxy closed the connection"));
  };
  const fail = (error?: Error | boolean): void =>
    reject(error instanceof Error ? error : new Error("the proxy closed the connection"));
  socket.on("readable", look).on("end", fail).on("close", fail).on("error", fail);
  look();
  return promise.finally(() => {
    socket.off("readable", look).off("end", fail).off("close", fail).off("error", fail);
  });
}
