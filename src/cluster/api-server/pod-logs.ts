import type { Pod } from "../../api/core.ts";
import { integerIn } from "./options.ts";
import { badRequest } from "./refusal.ts";

/** What of a container's log is asked for. */
export interface PodLogOptions {
  readonly container: string;
  /** Whether to go on with what is written later. */
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines: number | undefined;
  readonly sinceSeconds: number | undefined;
  readonly limitBytes: number | undefined;
}

/** Reads a container's log, in pieces of text; ends when there is no more, or when its reader stops. */
export type PodLogs = (pod: Pod, options: PodLogOptions) => AsyncIterable<string>;

/** Which container's log a request means, and how much of it. Throws a 400 refusal in the server's words. */
export function podLogOptions(pod: Pod, query: Readonly<Record<string, string>>): PodLogOptions {
  const { name } = pod.metadata;
  const containers = pod.spec.containers.map((container) => container.name);
  const initContainers = (pod.spec.initContainers ?? []).map((container) => container.name);
  const asked = query.container ?? "";
  if (asked !== "" && ![...containers, ...initContainers].includes(asked)) {
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  const [only, ...others] = containers;
  if (asked === "" && (others.length > 0 || only === undefined)) {
    const choice =
      initContainers.length === 0
        ? `choose one of: [${containers.join(" ")}]`
        : `choose one of: [${containers.join(" ")}] or one of the init containers: [${initContainers.join(" ")}]`;
    throw badRequest(`a container name must be specified for pod ${name}, ${choice}`);
  }
  return {
    container: asked === "" ? (only ?? "") : asked,
    follow: query.follow === "true",
    previous: query.previous === "true",
    timestamps: query.timestamps === "true",
    tailLines: integerIn(query.tailLines),
    sinceSeconds: integerIn(query.sinceSeconds),
    limitBytes: integerIn(query.limitBytes),
  };
}
