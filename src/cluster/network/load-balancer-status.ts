import type { Service } from "../../api/core.ts";
import { equalJson } from "../../api/equal-json.ts";
import type { ListenerState } from "./proxy/listener.ts";
import { isTcp } from "./service-plan.ts";

type Ingress = NonNullable<NonNullable<NonNullable<Service["status"]>["loadBalancer"]>["ingress"]>;

/**
 * What a Service's `status.loadBalancer.ingress` ought to say; undefined as long as it is open whether a port can be
 * reached. Where the address itself does not exist on this machine, 127.0.0.1 with the node ports is the way in.
 */
export function ingressFor(
  service: Service,
  address: string,
  stateOf: (port: number) => ListenerState,
): Ingress | undefined {
  let ip = address;
  const ports: { port: number; protocol: string; error?: string }[] = [];
  for (const { port, protocol = "TCP" } of service.spec.ports ?? []) {
    const state = isTcp({ protocol }) ? stateOf(port) : { error: "UnsupportedProtocol" };
    if (state === "binding") return undefined;
    ports.push({ port, protocol, ...(state === "bound" ? {} : { error: state.error }) });
    if (state !== "bound" && state.error === "AddressNotAvailable") ip = "127.0.0.1";
  }
  return [{ ip, ports }];
}

/** Whether the Service's status says already what it ought to. */
export function hasIngress(service: Service, wanted: Ingress): boolean {
  const current = service.status?.loadBalancer?.ingress ?? [];
  return equalJson(
    current.map(({ ip, ports = [] }) => ({ ip, ports })),
    wanted.map(({ ip, ports = [] }) => ({ ip, ports })),
  );
}
