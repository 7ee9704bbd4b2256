import type { KubernetesObject } from "../../api/core.ts";
import { KubernetesClient } from "../../kubernetes/client.ts";
import type { ApiRequest, ApiResponse, WatchEvent } from "../../kubernetes/transport.ts";
import { ManualClock } from "../../time/manual-clock.ts";
import { addressesOf } from "../addresses.ts";
import { Store } from "../store/store.ts";
import type { AccessOptions } from "./access/access.ts";
import { ApiServer } from "./api-server.ts";
import type { Fields } from "./json.ts";
import type { PodLogs } from "./subresources/pod-logs.ts";

/** An API server in memory, with ways to talk to it that are short to read. */
export function startApi(
  options: { historyLength?: number; podLogs?: PodLogs; access?: AccessOptions } = {},
) {
  const clock = new ManualClock();
  const { historyLength = 2000, podLogs, access } = options;
  const store = new Store({ historyLength });
  const api = new ApiServer({
    store,
    clock,
    addresses: addressesOf(194),
    ...(podLogs === undefined ? {} : { podLogs }),
    ...(access === undefined ? {} : { access }),
  });
  const send = (
    method: ApiRequest["method"],
    url: string,
    body?: unknown,
    contentType?: string,
  ): Promise<ApiResponse> => {
    const [path = "", query = ""] = url.split("?");
    return api.request({
      method,
      path,
      query: Object.fromEntries(new URLSearchParams(query)),
      body,
      ...(contentType === undefined ? {} : { contentType }),
    });
  };
  const merge = "application/merge-patch+json";
  return {
    api,
    clock,
    store,
    client: new KubernetesClient(api),
    get: (url: string) => send("GET", url),
    post: (url: string, body: unknown) => send("POST", url, body),
    put: (url: string, body: unknown) => send("PUT", url, body),
    patch: (url: string, body: unknown, contentType = merge) => send("PATCH", url, body, contentType),
    delete: (url: string, body?: unknown) => send("DELETE", url, body),
    watch: (url: string) => watchAll(api, url),
  };
}

/** What a watch told, so far. */
export interface Watched {
  readonly events: readonly WatchEvent[];
  /** `ADDED a`, `BOOKMARK`: the events in short. */
  readonly told: () => string[];
  readonly state: () => {
    readonly opened: boolean;
    readonly ended: boolean;
    readonly error: Error | undefined;
  };
  readonly cancel: () => void;
}

function watchAll(api: ApiServer, url: string): Watched {
  const [path = "", query = ""] = url.split("?");
  const events: WatchEvent[] = [];
  const state: { opened: boolean; ended: boolean; error: Error | undefined } = {
    opened: false,
    ended: false,
    error: undefined,
  };
  const cancel = api.watch(
    { method: "GET", path, query: { ...Object.fromEntries(new URLSearchParams(query)), watch: "true" } },
    {
      opened: () => {
        state.opened = true;
      },
      event: (event) => events.push(event),
      ended: (error) => {
        state.ended = true;
        state.error = error;
      },
    },
  );
  const told = (): string[] =>
    events.map((event) =>
      event.type === "ERROR" || event.type === "BOOKMARK"
        ? event.type
        : `${event.type} ${event.object.metadata.name}`,
    );
  return { events, told, cancel, state: () => state };
}

/** The answer's object; throws what was answered instead when there is none. */
export function objectIn({ code, body }: ApiResponse): KubernetesObject & Record<string, Fields> {
  if (code >= 300) throw new Error(`${code} ${JSON.stringify(body)}`);
  return body as KubernetesObject & Record<string, Fields>;
}

export const configMaps = "/api/v1/namespaces/default/configmaps";
export const pods = "/api/v1/namespaces/default/pods";
export const services = "/api/v1/namespaces/default/services";
export const deployments = "/apis/apps/v1/namespaces/default/deployments";
export const definitionsPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** A deployment of one container. */
export function deployment(name: string, spec: Fields = {}): Fields {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: "c", image: "web:1" }] },
      },
      ...spec,
    },
  };
}

/** A pod of one container. */
export function pod(name: string, spec: Fields = {}): Fields {
  return { metadata: { name }, spec: { containers: [{ name: "c", image: "web:1" }], ...spec } };
}
