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

const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const imageName = new RegExp(
  `^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::\\d+)?/|\\[[a-fA-F0-9:]+\\](?::\\d+)?/)?${component}(?:/${component})*(?::\\w[\\w.-]{0,127})?(?:@\\w+:[0-9a-f]+)?$`,
);

/** Whether a container could name an image so: the grammar of the OCI distribution specification. */
export function isImageName(name: string): boolean {
  return imageName.test(name);
}

/** What an image of this machine's own registry is there, whatever its port: a repository, and a tag or digest of it. */
export function pushedReference(
  canonical: string,
): { readonly repository: string; readonly reference: string } | undefined {
  const [, path = ""] = /^(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?\/(.+)$/.exec(canonical) ?? [];
  const [, repository = "", tag = "", digest = ""] =
    /^([a-z0-9._/-]+)(?::([\w][\w.-]*))?(?:@(\w+:[0-9a-f]+))?$/.exec(path) ?? [];
  return repository === "" ? undefined : { repository, reference: digest === "" ? tag : digest };
}
