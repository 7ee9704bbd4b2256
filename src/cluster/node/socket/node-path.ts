import type { Pod } from "../../../api/core.ts";
import type { PodStreamVerb } from "../../api-server/node-door.ts";

/** What a request to the node is about. */
export interface NodeTarget {
  readonly verb: PodStreamVerb;
  readonly namespace: string;
  readonly name: string;
  readonly podUid: string;
  readonly query: URLSearchParams;
}

const verbs: readonly PodStreamVerb[] = ["log", "exec", "attach", "portforward"];

/** Where the node tells what its pods use. */
export const usagePath = "/usage";

/** `/exec/<namespace>/<pod>/<uid>?container=web&command=ls`: how the API server asks the node. */
export function nodePath(verb: PodStreamVerb, { metadata }: Pod, query: URLSearchParams): string {
  const { namespace = "", name, uid = "" } = metadata;
  return `/${[verb, namespace, name, uid].map(encodeURIComponent).join("/")}?${query.toString()}`;
}

/** Undefined for a path that is none of them. */
export function parseNodePath(path: string): NodeTarget | undefined {
  const url = URL.parse(path, "http://node");
  const [, word, namespace, name, podUid, ...rest] = url?.pathname.split("/").map(decodeURIComponent) ?? [];
  const verb = verbs.find((one) => one === word);
  if (url === null || verb === undefined || namespace === undefined || name === undefined) return undefined;
  if (podUid === undefined || rest.length > 0) return undefined;
  return { verb, namespace, name, podUid, query: url.searchParams };
}
