import type { Pod } from "../../../api/core.ts";
import type { PodStream } from "../node-door.ts";
import { badRequest } from "../refusal.ts";
import { containerMeant } from "./pod-container.ts";

/** Subresources that are streams: they begin with a request to change protocols. */
const streamVerbs = ["exec", "attach", "portforward"] as const;

type StreamVerb = (typeof streamVerbs)[number];

export function isStreamVerb(subresource: string | undefined): subresource is StreamVerb {
  return streamVerbs.some((verb) => verb === subresource);
}

/** The stream that a request for a pod's subresource means. Throws a refusal in the server's words. */
export function podStreamOf(verb: StreamVerb, pod: Pod, asked: URLSearchParams): PodStream {
  const query = new URLSearchParams(asked);
  if (verb !== "portforward")
    query.set("container", containerMeant(pod, asked.get("container") ?? undefined));
  if ((pod.spec.nodeName ?? "") === "")
    throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  return { verb, pod, query };
}
