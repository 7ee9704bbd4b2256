import type { ClientRequest, IncomingHttpHeaders } from "node:http";
import type { Pod } from "../../api/core.ts";
import type { ContainerUsage } from "../node/pod-driver.ts";
import type { PodLogs } from "./subresources/pod-logs.ts";

/** What goes on with a pod for as long as a client likes. */
export type PodStreamVerb = "log" | "exec" | "attach" | "portforward";

/** A stream that a request means, after the API server has looked at it. */
export interface PodStream {
  readonly verb: PodStreamVerb;
  readonly pod: Pod;
  /** Checked and complete: `container` is always there, where the verb takes one. */
  readonly query: URLSearchParams;
}

/** The way to the node on which pods run, for what is not in their objects. */
export interface NodeDoor {
  readonly logs: PodLogs;
  /** By pod uid: what the running containers have used since they began. Rejects when the node does not answer. */
  usage(): Promise<Readonly<Record<string, readonly ContainerUsage[]>>>;
  /**
   * Begins a request that is to become a stream; the node's answer is `upgrade`, or a refusal as `response`; `error`
   * says why it cannot be asked.
   */
  open(stream: PodStream, method: string, headers: IncomingHttpHeaders): ClientRequest;
}
