/** An image name in full, as container runtimes complete it: registry `docker.io`, folder `library`, tag `latest`. */
export function canonicalImageName(name: string): string {
  const [first = "", ...rest] = name.split("/");
  const hasRegistry = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const withRegistry = hasRegistry
    ? name
    : rest.length > 0
      ? `docker.io/${name}`
      : `docker.io/library/${name}`;
  const lastPart = withRegistry.slice(withRegistry.lastIndexOf("/"));
  return /[:@]/.test(lastPart) ? withRegistry : `${withRegistry}:latest`;
}
