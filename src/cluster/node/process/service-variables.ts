import type { Pod, Service } from "../../../api/core.ts";
import { resources } from "../../../api/resources.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { WatchCache } from "../../../kubernetes/watch-cache.ts";
import { type Clock, later } from "../../../time/clock.ts";
import { pause } from "../../../time/pause.ts";

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
    return Object.assign({}, ...linked.map(variablesOf)) as Record<string, string>;
  }

  close(): void {
    this.#cache.stop();
  }
}

function isApiServer({ namespace, name }: Service["metadata"]): boolean {
  return namespace === apiServer.namespace && name === apiServer.name;
}

/** `NAME_SERVICE_HOST`, `NAME_SERVICE_PORT` and so on, as the kubelet has them. A Service without an address has none. */
export function variablesOf({ metadata, spec }: Service): Readonly<Record<string, string>> {
  const { clusterIP = "None", ports = [] } = spec;
  const [first] = ports;
  if (clusterIP === "" || clusterIP === "None" || first === undefined) return {};
  // The certificate is for this address, and a Service's port 443 is not always to be had.
  const isDirect = isApiServer(metadata);
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
