import { BlockList, isIP } from "node:net";

type Environment = Readonly<Record<string, string | undefined>>;

/** The schemes of proxies that can be used. */
export const proxySchemes: readonly string[] = ["http:", "https:", "socks5:"];

/**
 * The proxy through which the environment wants `server` to be reached: `HTTPS_PROXY` or `HTTP_PROXY` after the server's
 * scheme, unless `NO_PROXY` names it; all in small or large letters, the small ones first. What this machine serves itself
 * (localhost, loopback addresses) is never asked for through a proxy.
 * @throws Error when the variable's value is no proxy's address.
 */
export function proxyFromEnvironment(server: URL, env: Environment): URL | undefined {
  const name = server.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const value = read(env, name);
  if (value === "" || isExempt(server, read(env, "NO_PROXY"))) return undefined;
  const text = value.includes("://") ? value : `http://${value}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy === undefined || !proxySchemes.includes(proxy.protocol))
    throw new Error(`$${name} has to be the address of a proxy, like http://proxy:3128, not ${value}`);
  return proxy;
}

/** For people: without the password. */
export function addressOf(proxy: URL): string {
  return `${proxy.protocol}//${proxy.host}`;
}

function read(env: Environment, name: string): string {
  return (env[name.toLowerCase()] ?? env[name] ?? "").trim();
}

function isExempt(server: URL, list: string): boolean {
  const host = hostOf(server.hostname);
  const port = server.port || (server.protocol === "https:" ? "443" : "80");
  if (host === "localhost" || host.endsWith(".localhost") || isWithin(host, "127.0.0.0/8") || host === "::1")
    return true;
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => entry === "*" || names(entry.toLowerCase(), host, port));
}

/** One entry of the list: an address, a range of addresses (`10.0.0.0/8`), or a domain, which means all below it as well. */
function names(entry: string, host: string, port: string): boolean {
  if (entry.includes("/")) return isWithin(host, entry);
  const [, name = "", wanted = port] =
    /^(.*?)(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
  if (wanted !== port) return false;
  const domain = hostOf(name).replace(/^\*?\./, "");
  if (isIP(domain) !== 0 || isIP(host) !== 0) return domain === host;
  // With a dot in front only what is below is meant.
  return host.endsWith(`.${domain}`) || (host === domain && !/^\*?\./.test(name));
}

function isWithin(host: string, range: string): boolean {
  const [address = "", bits = ""] = range.split("/");
  const family = isIP(address);
  const size = Number(bits);
  if (family === 0 || isIP(host) !== family || !/^\d+$/.test(bits) || size > (family === 4 ? 32 : 128))
    return false;
  const list = new BlockList();
  const kind = family === 4 ? "ipv4" : "ipv6";
  list.addSubnet(address, size, kind);
  return list.check(host, kind);
}

function hostOf(name: string): string {
  return name
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "")
    .toLowerCase();
}
