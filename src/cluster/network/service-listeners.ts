import type { Server } from "node:http";
import type { Clock } from "../../time/clock.ts";
import { serveHealthCheck } from "./health-check-port.ts";
import type { ListeningSockets } from "./listening-sockets.ts";
import { Greeting } from "./proxy/greeting.ts";
import { Listener, type ListenerState } from "./proxy/listener.ts";
import { Route } from "./proxy/route.ts";
import type { Sessions } from "./proxy/sessions.ts";
import type { PortPlan, ServicePlan } from "./service-plan.ts";
import { UdpListener } from "./udp/udp-listener.ts";

export interface ServiceListenersOptions {
  readonly clock: Clock;
  readonly sessions: Sessions;
  readonly sockets: ListeningSockets;
  readonly log: (text: string) => void;
  /** A listener can be connected to now, or it is known why not. */
  readonly settled: () => void;
}

interface Served {
  readonly listener: Listener | UdpListener;
  route: Route;
}

/**
 * The proxy of one Service: its routes, and the addresses that lead to them. Where a port leads nowhere nobody listens: who
 * connects is refused at once, as on any Kubernetes.
 */
export class ServiceListeners {
  readonly #options: ServiceListenersOptions;
  readonly #routes = new Map<string, Route>();
  readonly #served = new Map<string, Served>();
  #plan: ServicePlan;
  #health: Server | undefined;
  #healthPort: number | undefined;

  constructor(plan: ServicePlan, options: ServiceListenersOptions) {
    this.#options = options;
    this.#plan = plan;
    this.apply(plan);
  }

  get plan(): ServicePlan {
    return this.#plan;
  }

  /** Routes by `plan` from the next request on. */
  apply(plan: ServicePlan): void {
    this.#plan = plan;
    const routes = new Map<string, Route>();
    const wanted = new Map<string, Route>();
    const outside = [plan.loadBalancerIp, ...(plan.externalIps ?? [])].filter((host) => host !== undefined);
    for (const port of plan.ports) {
      const name = nameOfPort(port);
      const inner = this.#route(name, port, port.endpoints);
      routes.set(name, inner);
      let outer = inner;
      if (port.externalEndpoints !== undefined) {
        outer = this.#route(`${name} from outside`, port, port.externalEndpoints);
        routes.set(`${name} from outside`, outer);
      }
      wanted.set(placeOf(plan.clusterIp, port.port, port.transport), inner);
      for (const host of outside) wanted.set(placeOf(host, port.port, port.transport), outer);
      if (port.nodePort !== undefined) wanted.set(placeOf("127.0.0.1", port.nodePort, port.transport), outer);
    }
    this.#dropRoutesExcept(routes);
    this.#listen(new Map([...wanted].filter(([, route]) => route.hasEndpoints)));
    this.#checkHealth(plan);
  }

  /** Every address that leads somewhere can be connected to, or it is known why not. */
  get isSettled(): boolean {
    return [...this.#served.values()].every(({ listener }) => listener.state !== "binding");
  }

  /** How it stands with one place, as `placeOf` names it. */
  stateOf(place: string): ListenerState {
    return this.#served.get(place)?.listener.state ?? "binding";
  }

  /** Accepts no more clients: those that come wait for the next process, or are refused. */
  stopListening(newClients: "wait" | "refused"): void {
    for (const { listener } of this.#served.values()) listener.stop({ newClients });
    this.#served.clear();
    this.#health?.close();
    this.#health = undefined;
  }

  /** Ends the proxy; what is in flight goes on. */
  remove(): void {
    this.stopListening("refused");
    this.#dropRoutesExcept(new Map());
  }

  closeIdle(now: Parameters<Route["closeIdle"]>[0]): void {
    for (const route of this.#routes.values()) route.closeIdle(now);
  }

  #route(key: string, port: PortPlan, endpoints: PortPlan["endpoints"]): Route {
    const { namespace, name, affinitySeconds, pinnedSeconds } = this.#plan;
    const route =
      this.#routes.get(key) ??
      new Route(`Service ${namespace}/${name} port ${port.port}`, this.#options.sessions);
    this.#routes.set(key, route);
    route.protocol = port.protocol;
    route.affinitySeconds = affinitySeconds;
    route.pinnedSeconds = pinnedSeconds;
    route.swap(endpoints);
    return route;
  }

  #checkHealth({ namespace, name, healthCheckPort: port }: ServicePlan): void {
    if (port === this.#healthPort) return;
    this.#healthPort = port;
    this.#health?.close();
    this.#health = undefined;
    if (port === undefined) return;
    const endpoints = (): number =>
      new Set(
        this.#plan.ports.flatMap((each) =>
          (each.externalEndpoints ?? each.endpoints).map(({ address }) => address),
        ),
      ).size;
    const onProblem = (problem: Error): void =>
      this.#options.log(`Service ${namespace}/${name}: nobody can ask for its health: ${problem.message}`);
    this.#health = serveHealthCheck({ namespace, name, port, endpoints, onProblem });
  }

  #dropRoutesExcept(kept: ReadonlyMap<string, Route>): void {
    for (const [key, route] of this.#routes) {
      if (kept.has(key)) continue;
      this.#routes.delete(key);
      route.swap([]);
      this.#options.sessions.drainRoute(route);
    }
  }

  #listen(wanted: ReadonlyMap<string, Route>): void {
    for (const [place, served] of this.#served) {
      if (wanted.has(place)) continue;
      this.#served.delete(place);
      served.listener.stop({ newClients: "refused" });
    }
    for (const [place, route] of wanted) {
      const served = this.#served.get(place);
      if (served === undefined) this.#served.set(place, this.#serve(place, route));
      else served.route = route;
    }
  }

  #serve(place: string, first: Route): Served {
    const { clock, sessions, sockets, log, settled } = this.#options;
    const [address = "", isUdp] = place.split("/");
    const [host = "", port = ""] = address.split(":");
    let lastError: string | undefined;
    const changed = (state: ListenerState, problem?: Error): void => {
      const error = typeof state === "object" ? state.error : undefined;
      if (error !== lastError) log(messageFor(served.route, place, problem));
      lastError = error;
      settled();
    };
    const common = { host, port: Number(port), changed };
    const served: Served = {
      route: first,
      listener:
        isUdp === undefined
          ? new Listener({
              ...common,
              clock,
              sockets,
              accept: (socket) => Greeting.welcome(sessions, served.route, socket),
            })
          : new UdpListener({ ...common, sessions, route: () => served.route }),
    };
    return served;
  }
}

/** `127.0.0.1:80`, with `/UDP` for that. */
export function placeOf(host: string, port: number, transport: PortPlan["transport"]): string {
  return transport === undefined ? `${host}:${port}` : `${host}:${port}/${transport}`;
}

function nameOfPort(port: PortPlan): string {
  return `${port.name}:${port.port}/${port.transport ?? "TCP"}`;
}

function messageFor(route: Route, place: string, problem: Error | undefined): string {
  return problem === undefined
    ? `${route.label}: ${place} can be reached now`
    : `${route.label}: cannot listen on ${place} (${problem.message}); its other addresses are served, this one is tried again`;
}
