import { Agent } from "node:http";
import type { Service } from "../api/core.ts";
import { resources } from "../api/resources.ts";
import type { Cluster } from "../cli/command.ts";
import { askWeather, type WeatherAnswer } from "./weather-request.ts";

/** Where the weather app is reached. */
export interface Addresses {
  /** For users. */
  readonly active: URL;
  /** For whoever tests the new version. */
  readonly preview: URL;
}

/**
 * The address of a LoadBalancer Service: that of the load balancer, or the node's port where the load balancer's cannot be had
 * on this machine. Undefined while none is known.
 */
export function addressOf({ spec, status }: Service): URL | undefined {
  const ingress = status?.loadBalancer?.ingress?.[0];
  const port = spec.ports?.[0];
  if (ingress === undefined || port === undefined) return undefined;
  const host = ingress.ip ?? ingress.hostname;
  const state = ingress.ports?.find((each) => each.port === port.port);
  if (host !== undefined && state !== undefined && state.error === undefined)
    return new URL(`http://${host}:${port.port}/`);
  return port.nodePort === undefined ? undefined : new URL(`http://127.0.0.1:${port.nodePort}/`);
}

/** Reads the Service and answers its address. */
export async function readAddress({ client, namespace }: Cluster, service: string): Promise<URL | undefined> {
  return addressOf(await client.get<Service>(resources.services, namespace, service));
}

/** Asks over a connection of its own. */
export function askOnce(address: URL): Promise<WeatherAnswer> {
  return askWeather(address, new Agent({ keepAlive: false }));
}
