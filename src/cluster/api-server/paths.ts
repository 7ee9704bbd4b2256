/** What a request's path names. */
export interface Target {
  readonly group: string;
  readonly version: string;
  readonly namespace: string | undefined;
  readonly plural: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** Undefined for a path that is no resource's. */
export function parsePath(path: string): Target | undefined {
  const parts = decodedParts(path);
  if (parts === undefined) return undefined;
  const [root, ...rest] = parts;
  if (root === "api") return within("", rest);
  if (root !== "apis") return undefined;
  const [group, ...others] = rest;
  return group === undefined ? undefined : within(group, others);
}

// `namespaces/x/status` is a subresource of a namespace, `namespaces/x/pods` a collection in it.
const namespaceSubresources = new Set(["status", "finalize"]);

function within(group: string, parts: readonly string[]): Target | undefined {
  const [version, ...rest] = parts;
  if (version === undefined) return undefined;
  const [first, second, third] = rest;
  const inNamespace =
    first === "namespaces" &&
    third !== undefined &&
    !(group === "" && rest.length === 3 && namespaceSubresources.has(third));
  const [plural, name, subresource, ...beyond] = inNamespace ? rest.slice(2) : rest;
  if (plural === undefined || beyond.length > 0) return undefined;
  return { group, version, namespace: inNamespace ? second : undefined, plural, name, subresource };
}

function decodedParts(path: string): string[] | undefined {
  try {
    return path
      .split("/")
      .filter((part) => part !== "")
      .map(decodeURIComponent);
  } catch {
    // A malformed percent-encoding names nothing.
    return undefined;
  }
}
