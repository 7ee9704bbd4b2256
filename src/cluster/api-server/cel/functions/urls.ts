import type { Environment } from "@marcbachmann/cel-js";

function parsed(text: string): URL | undefined {
  // Only absolute addresses and absolute paths are taken. Of a path, all but the path is empty.
  if (text.startsWith("/")) return URL.parse(`path:${text}`) ?? undefined;
  return /^[a-z][a-z0-9+.-]*:\/\/[^\s]+$/i.test(text) ? (URL.parse(text) ?? undefined) : undefined;
}

/** https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-url-library */
export function registerUrls(environment: Environment): void {
  environment
    .registerType("kubernetes.URL", { ctor: URL })
    .registerFunction("isURL(string): bool", (text: string) => parsed(text) !== undefined)
    .registerFunction("url(string): kubernetes.URL", (text: string) => {
      const url = parsed(text);
      if (url === undefined) throw new Error(`URL parse error during conversion from string: ${text}`);
      return url;
    })
    .registerOperator("kubernetes.URL == kubernetes.URL", (a: URL, b: URL) => a.href === b.href)
    .registerFunction("kubernetes.URL.getQuery(): map<string, list<string>>", ({ searchParams }: URL) => {
      return new Map([...searchParams.keys()].map((key) => [key, searchParams.getAll(key)]));
    });
  const part = (name: string, of: (url: URL) => string): void => {
    environment.registerFunction(`kubernetes.URL.${name}(): string`, of);
  };
  part("getScheme", ({ protocol }) => (protocol === "path:" ? "" : protocol.slice(0, -1)));
  part("getHost", ({ host }) => host);
  part("getHostname", ({ hostname }) => hostname.replace(/^\[|\]$/g, ""));
  part("getPort", ({ port }) => port);
  part("getEscapedPath", ({ pathname }) => pathname);
}
