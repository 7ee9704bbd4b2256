import { instant } from "../../../time/clock.ts";
import type { PodLogOptions } from "../../api-server/subresources/pod-logs.ts";

/** What of a log is asked for, as a request to the node says it. */
export function logQuery(options: PodLogOptions): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options))
    if (value !== undefined) query.set(name, String(value));
  return query;
}

export function logOptionsIn(query: URLSearchParams): PodLogOptions {
  const amount = (name: string): number | undefined => {
    const text = query.get(name);
    return text === null ? undefined : Number(text);
  };
  const since = amount("since");
  return {
    container: query.get("container") ?? "",
    follow: query.get("follow") === "true",
    previous: query.get("previous") === "true",
    timestamps: query.get("timestamps") === "true",
    tailLines: amount("tailLines"),
    since: since === undefined ? undefined : instant(since),
    limitBytes: amount("limitBytes"),
  };
}
