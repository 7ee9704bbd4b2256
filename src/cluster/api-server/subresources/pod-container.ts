import type { Pod } from "../../../api/core.ts";
import { badRequest } from "../refusal.ts";

/** The container that a request means, which may leave it out where there is one only. Throws a refusal in the server's words. */
export function containerMeant(pod: Pod, asked: string | undefined): string {
  const { name } = pod.metadata;
  const containers = pod.spec.containers.map((container) => container.name);
  const initContainers = (pod.spec.initContainers ?? []).map((container) => container.name);
  if (asked !== undefined && asked !== "") {
    if ([...containers, ...initContainers].includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  const [only, ...others] = containers;
  if (only !== undefined && others.length === 0) return only;
  const choice =
    initContainers.length === 0
      ? `choose one of: [${containers.join(" ")}]`
      : `choose one of: [${containers.join(" ")}] or one of the init containers: [${initContainers.join(" ")}]`;
  throw badRequest(`a container name must be specified for pod ${name}, ${choice}`);
}
