import type { Service } from "../../api/core.ts";
import { equalJson } from "../../api/equal-json.ts";
import type { ListenerState } from "./proxy/listener.ts";
import { isServedPort } from "./service-plan.ts";

type Ingress = NonNullable<NonNullable<NonNullable<Service["status"]>["loadBalancer"]>["ingress"]>;

/**
 * What a Service's `status.loadBalancer.ingress` ought to say besides its address: which ports can be connected to. Undefined as
 * long as there is no address, or it is open whether a port can be reached.
 */
export function ingressFor(
  service: Service,
  stateOf: (port: number, protocol: string) => ListenerState,
): Ingress | undefined {
  const [ingress] = service.status?.loadBalancer?.ingress ?? [];
  if (ingress === undefined) return undefined;
  const ports: { port: number; protocol: string; error?: string }[] = [];
  for (const { port, protocol = "TCP" } of service.spec.ports ?? []) {
    const state = isServedPort({ protocol }) ? stateOf(port, protocol) : { error: "UnsupportedProtocol" };
    if (state === "binding") return undefined;
    ports.push({ port, protocol, ...(state === "bound" ? {} : { error: state.error }) });
  }
  return [{ ...ingress, ports }];
}

/** Whether the Service's status says already what it ought to. */
export function hasIngress(service: Service, wanted: Ingress): boolean {
  const current = service.status?.loadBalancer?.ingress ?? [];
  return equalJson(
    current.map(({ ip, ports = [] }) => ({ ip, ports })),
    wanted.map(({ ip, ports = [] }) => ({ ip, ports })),
  );
}
