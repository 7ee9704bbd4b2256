import type { News } from "../../kubernetes/event-recorder.ts";
import type { ListenerState } from "./proxy/listener.ts";
import { placeOf } from "./service-listeners.ts";
import type { PortPlan, ServicePlan } from "./service-plan.ts";

/** The reason of every Event that is told here. */
export const cannotListen = "CannotListen";

const causes: Readonly<Record<string, string>> = {
  MissingPrivileges: "this user has no rights to ports below 1024",
  AddressInUse: "another program uses it",
  AddressNotAvailable: "this machine has no such address",
};

/**
 * What the people of a Service should hear of its ports: which address cannot be listened on, why, and the way in all the
 * same. Undefined as long as it is open whether an address can be reached. `stateOf` takes `address:port`.
 */
export function listeningNews(
  plan: ServicePlan,
  stateOf: (place: string) => ListenerState,
): readonly News[] | undefined {
  const address = plan.loadBalancerIp ?? plan.clusterIp;
  const news: News[] = [];
  for (const port of plan.ports) {
    const place = placeOf(address, port.port, port.transport);
    const state = stateOf(place);
    const nodePlace =
      port.nodePort === undefined ? undefined : placeOf("127.0.0.1", port.nodePort, port.transport);
    const nodeState = nodePlace === undefined ? undefined : stateOf(nodePlace);
    if (state === "binding" || nodeState === "binding") return undefined;
    if (state === "bound") {
      if (nodeState !== undefined && nodeState !== "bound")
        news.push(newsOfNodePort(nodePlace, nodeState, place));
      continue;
    }
    const message = `cannot listen on ${place}: ${causeOf(state)}; ${wayIn(port, nodeState === "bound" ? nodePlace : undefined)}`;
    news.push({ type: "Warning", reason: cannotListen, message });
  }
  return news;
}

/** Whoever has the node port answers there: another program, or another cluster of this machine. */
function newsOfNodePort(nodePlace = "", state: Exclude<ListenerState, string>, place: string): News {
  const message = `cannot listen on ${nodePlace}: ${causeOf(state)}; the way in is ${place}, or give the Service another node port`;
  return { type: "Warning", reason: cannotListen, message };
}

function causeOf({ error }: Exclude<ListenerState, string>): string {
  return causes[error] ?? "the operating system refuses it";
}

function wayIn({ protocol, transport }: PortPlan, nodePlace: string | undefined): string {
  if (nodePlace === undefined) return "give the Service another port, or a node port that is free";
  return `the way in is ${protocol === "tcp" || transport !== undefined ? nodePlace : `http://${nodePlace}/`}`;
}
