import type { ApiRequest } from "../../../kubernetes/transport.ts";
import { parsePath, type Target } from "../paths.ts";
import { selectedName } from "../selectors.ts";

/** What a request wants to do, as far as rights are concerned. */
export type Attributes = ResourceAttributes | PathAttributes;

export interface ResourceAttributes {
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, or one that only roles know, as `bind`. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  /** Empty for the cluster, or all namespaces. */
  readonly namespace: string;
  /** Empty for all. */
  readonly name: string;
}

/** Of what is no resource, as `/version`. */
export interface PathAttributes {
  /** An HTTP method in small letters. */
  readonly verb: string;
  readonly path: string;
}

export function isPath(attributes: Attributes): attributes is PathAttributes {
  return "path" in attributes;
}

/** What a request wants: by the same reading of its path that decides what answers it. */
export function attributesOf({ method, path, query = {} }: ApiRequest): Attributes {
  const target = parsePath(path);
  if (target === undefined) return { verb: method.toLowerCase(), path };
  const { group, version, plural, subresource = "" } = target;
  const isNamespace = group === "" && plural === "namespaces" && target.namespace === undefined;
  return {
    verb: verbOf(method, target, query),
    group,
    version,
    resource: plural,
    subresource,
    namespace: (isNamespace ? target.name : target.namespace) ?? "",
    name: target.name ?? nameOf(method, query) ?? "",
  };
}

const verbs = { POST: "create", PUT: "update", PATCH: "patch" } as const;

function verbOf(
  method: ApiRequest["method"],
  { name, subresource }: Target,
  query: Readonly<Record<string, string>>,
) {
  if (method === "DELETE") return name === undefined ? "deletecollection" : "delete";
  if (method !== "GET") return verbs[method];
  if (isWatch(query) && subresource === undefined) return "watch";
  return name === undefined ? "list" : "get";
}

/** Whether a GET asks to be told of changes. */
export function isWatch(query: Readonly<Record<string, string>>): boolean {
  return query.watch === "true" || query.watch === "1";
}

// Who asks for the one object with a name needs the right to that object only.
function nameOf(method: ApiRequest["method"], { fieldSelector = "" }: Readonly<Record<string, string>>) {
  return method === "GET" ? selectedName(fieldSelector) : undefined;
}
