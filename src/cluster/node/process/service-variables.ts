import type { Pod, Service } from "../../../api/core.ts";
import { resources } from "../../../api/resources.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { WatchCache } from "../../../kubernetes/watch-cache.ts";
import { type Clock, later } from "../../../time/clock.ts";
import { pause } from "../../../time/pause.ts";
import { listeners, listenersAt } from "./listeners.ts";

const apiServer = { namespace: "default", name: "kubernetes" };
const longestWaitSeconds = 5;

/** Variables that lead programs to the Services that were there when they were started, as Docker's links once did. */
export class ServiceVariables {
  readonly #cache: WatchCache<Service>;
  readonly #clock: Clock;

  constructor(options: {
    readonly client: KubernetesClient;
    readonly clock: Clock;
    readonly onProblem: (text: string) => void;
  }) {
    this.#clock = options.clock;
    this.#cache = new WatchCache<Service>({ ...options, resource: resources.services });
  }

  async of(pod: Pod): Promise<Readonly<Record<string, string>>> {
    this.#cache.start();
    // A program without these variables does less harm than one that is not started while the API server is away.
    if (!this.#cache.synced) {
      const synced = new AbortController();
      void this.#cache.whenSynced().then(() => synced.abort());
      await pause(this.#clock, later(this.#clock.now(), longestWaitSeconds), synced.signal);
    }
    const { namespace } = pod.metadata;
    const isLinked = ({ metadata }: Service): boolean =>
      isApiServer(metadata) || (pod.spec.enableServiceLinks !== false && metadata.namespace === namespace);
    const linked = this.#cache.list().filter(isLinked);
    // Of two with one name, the pod's own neighbour is meant.
    linked.sort(
      (a, b) => Number(a.metadata.namespace === namespace) - Number(b.metadata.namespace === namespace),
    );
    return Object.assign(
      {},
      ...linked.map((service) => variablesOf(service, isOutOfReach(service))),
    ) as Record<string, string>;
  }

  close(): void {
    this.#cache.stop();
  }
}

function isApiServer({ namespace, name }: Service["metadata"]): boolean {
  return namespace === apiServer.namespace && name === apiServer.name;
}

/**
 * Whether the API server has to be asked where it listens itself: its Service's port 443 is not everybody's to listen on, and
 * where pods share one address nobody does. Who listens on every address is somebody else.
 */
function isOutOfReach({ metadata, spec: { clusterIP = "", ports = [] } }: Service): boolean {
  if (!isApiServer(metadata)) return false;
  const listening = listenersAt(listeners(), clusterIP, ports[0]?.port ?? 0);
  return !listening.some(({ address }) => address === clusterIP);
}

/**
 * `NAME_SERVICE_HOST`, `NAME_SERVICE_PORT` and so on, as the kubelet has them. A Service without an address has none.
 * @param isDirect whether they lead to the number that the Service leads to, on 127.0.0.1.
 */
export function variablesOf({ metadata, spec }: Service, isDirect = false): Readonly<Record<string, string>> {
  const { clusterIP = "None", ports = [] } = spec;
  const [first] = ports;
  if (clusterIP === "" || clusterIP === "None" || first === undefined) return {};
  const host = isDirect ? "127.0.0.1" : clusterIP;
  const portOf = ({ port, targetPort }: (typeof ports)[number]): number =>
    isDirect && typeof targetPort === "number" ? targetPort : port;
  const name = asVariable(metadata.name);
  const variables: Record<string, string> = {
    [`${name}_SERVICE_HOST`]: host,
    [`${name}_SERVICE_PORT`]: String(portOf(first)),
    [`${name}_PORT`]: `${(first.protocol ?? "TCP").toLowerCase()}://${host}:${portOf(first)}`,
  };
  for (const each of ports) {
    const port = portOf(each);
    const protocol = each.protocol ?? "TCP";
    const prefix = `${name}_PORT_${port}_${protocol}`;
    if (each.name) variables[`${name}_SERVICE_PORT_${asVariable(each.name)}`] = String(port);
    variables[prefix] = `${protocol.toLowerCase()}://${host}:${port}`;
    variables[`${prefix}_PROTO`] = protocol.toLowerCase();
    variables[`${prefix}_PORT`] = String(port);
    variables[`${prefix}_ADDR`] = host;
  }
  return variables;
}

function asVariable(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_");
}
