import type { Clock } from "../../time/clock.ts";
import type { ListeningSockets } from "./listening-sockets.ts";
import { Greeting } from "./proxy/greeting.ts";
import { Listener, type ListenerState } from "./proxy/listener.ts";
import { Route } from "./proxy/route.ts";
import type { Sessions } from "./proxy/sessions.ts";
import type { PortPlan, ServicePlan } from "./service-plan.ts";

export interface ServiceListenersOptions {
  readonly clock: Clock;
  readonly sessions: Sessions;
  readonly sockets: ListeningSockets;
  readonly log: (text: string) => void;
  /** A listener can be connected to now, or it is known why not. */
  readonly settled: () => void;
}

interface Served {
  readonly listener: Listener;
  route: Route;
}

/** The proxy of one Service: its routes, and the addresses that lead to them. */
export class ServiceListeners {
  readonly #options: ServiceListenersOptions;
  readonly #routes = new Map<string, Route>();
  readonly #served = new Map<string, Served>();
  #plan: ServicePlan;

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
    const routes = new Map(plan.ports.map((port) => [nameOfPort(port), this.#route(port)]));
    this.#dropRoutesExcept(routes);
    const wanted = new Map<string, Route>();
    for (const port of plan.ports) {
      const route = routes.get(nameOfPort(port));
      if (route === undefined) continue;
      wanted.set(`${plan.clusterIp}:${port.port}`, route);
      if (plan.loadBalancerIp !== undefined) wanted.set(`${plan.loadBalancerIp}:${port.port}`, route);
      if (port.nodePort !== undefined) wanted.set(`127.0.0.1:${port.nodePort}`, route);
    }
    this.#listen(wanted);
  }

  /** How it stands with one `address:port`. */
  stateOf(place: string): ListenerState {
    return this.#served.get(place)?.listener.state ?? "binding";
  }

  /** Accepts no more clients: those that come wait for the next process, or are refused. */
  stopListening(newClients: "wait" | "refused"): void {
    for (const { listener } of this.#served.values()) listener.stop({ newClients });
    this.#served.clear();
  }

  /** Ends the proxy; what is in flight goes on. */
  remove(): void {
    this.stopListening("refused");
    this.#dropRoutesExcept(new Map());
  }

  closeIdle(now: Parameters<Route["closeIdle"]>[0]): void {
    for (const route of this.#routes.values()) route.closeIdle(now);
  }

  #route(port: PortPlan): Route {
    const { namespace, name } = this.#plan;
    const route =
      this.#routes.get(nameOfPort(port)) ??
      new Route(`Service ${namespace}/${name} port ${port.port}`, this.#options.sessions);
    this.#routes.set(nameOfPort(port), route);
    route.protocol = port.protocol;
    route.swap(port.endpoints);
    return route;
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
    const [host = "", port = ""] = place.split(":");
    let lastError: string | undefined;
    const served: Served = {
      route: first,
      listener: new Listener({
        clock,
        host,
        port: Number(port),
        sockets,
        accept: (socket) => Greeting.welcome(sessions, served.route, socket),
        changed: (state, problem) => {
          const error = typeof state === "object" ? state.error : undefined;
          if (error !== lastError) log(messageFor(served.route, place, problem));
          lastError = error;
          settled();
        },
      }),
    };
    return served;
  }
}

function nameOfPort(port: PortPlan): string {
  return `${port.name}:${port.port}`;
}

function messageFor(route: Route, place: string, problem: Error | undefined): string {
  return problem === undefined
    ? `${route.label}: ${place} can be reached now`
    : `${route.label}: cannot listen on ${place} (${problem.message}); its other addresses are served, this one is tried again`;
}
