import { mkdirSync } from "node:fs";
import { isIPv4 } from "node:net";
import { dirname } from "node:path";
import { readIfThere, writeWhole } from "../whole-file.ts";
import type { EndpointAddress } from "./proxy/route.ts";
import { isPort, type PortPlan, type ServicePlan } from "./service-plan.ts";

/** What was routed last, on disk: a restarted traffic process serves from it before the API server has answered. */
export class RouteFile {
  readonly #path: string;
  #saved: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** The saved plans; none when nothing was saved yet. Throws on a file that cannot be read or is damaged. */
  load(): readonly ServicePlan[] {
    const text = readIfThere(this.#path);
    return text === undefined ? [] : parsePlans(JSON.parse(text));
  }

  /** Saves `plans` unless they are what was saved last. A reader sees either the old or the new file, never a part. */
  save(plans: readonly ServicePlan[]): void {
    const text = JSON.stringify({ version: 1, services: plans });
    if (text === this.#saved) return;
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    writeWhole(this.#path, text);
    this.#saved = text;
  }
}

interface SavedFile {
  readonly version?: unknown;
  readonly services?: unknown;
}

function parsePlans(saved: unknown): readonly ServicePlan[] {
  const { version, services } = (saved ?? {}) as SavedFile;
  if (version !== 1 || !Array.isArray(services)) throw new Error("it is no list of saved routes");
  return services.map((service) => {
    if (!isPlan(service)) throw new Error("it has a route that is incomplete");
    return service;
  });
}

function isPlan(value: Partial<ServicePlan> | null): value is ServicePlan {
  return (
    typeof value?.namespace === "string" &&
    typeof value.name === "string" &&
    isAddress(value.clusterIp) &&
    (value.loadBalancerIp === undefined || isAddress(value.loadBalancerIp)) &&
    (value.externalIps ?? []).every(isAddress) &&
    (value.healthCheckPort === undefined || isPort(value.healthCheckPort)) &&
    Array.isArray(value.ports) &&
    value.ports.every(isPortPlan)
  );
}

// An earlier Teal wrote `http` as a protocol too. It means what any word but `tcp` means: look at the first bytes.
function isPortPlan(value: Partial<PortPlan> | null): value is PortPlan {
  return (
    typeof value?.name === "string" &&
    isPort(value.port) &&
    (value.nodePort === undefined || isPort(value.nodePort)) &&
    typeof value.protocol === "string" &&
    Array.isArray(value.endpoints) &&
    value.endpoints.every(isEndpoint) &&
    (value.externalEndpoints ?? []).every(isEndpoint)
  );
}

function isEndpoint(value: Partial<EndpointAddress> | null): value is EndpointAddress {
  return typeof value?.address === "string" && isPort(value.port);
}

function isAddress(value: unknown): boolean {
  return typeof value === "string" && isIPv4(value);
}
