import type { Service } from "../api/core.ts";
import { type Addresses, addressesOf } from "../cluster/addresses.ts";
import { ApiServer } from "../cluster/api-server/api-server.ts";
import { withFieldsAsText } from "../cluster/api-server/field-ownership/managers.ts";
import { start as startHttpServer } from "../cluster/api-server/http/http-server.ts";
import { writeKubeconfig } from "../cluster/api-server/http/kubeconfig.ts";
import { accessOf, loadPki } from "../cluster/api-server/http/pki.ts";
import { listeners, listenersAt } from "../cluster/node/process/listeners.ts";
import { nodeOf } from "../cluster/node/socket/node-client.ts";
import { FileJournal } from "../cluster/store/file-journal.ts";
import { Store } from "../cluster/store/store.ts";
import type { PartWorld } from "../cluster/supervisor/part.ts";
import type { RunningPart } from "../cluster/supervisor/supervised.ts";
import { startWorkloads } from "../cluster/workloads/workloads.ts";
import { KubernetesClient } from "../kubernetes/client.ts";
import { installAddOns } from "./bootstrap/add-ons.ts";
import { installDefinitions } from "./bootstrap/install-definitions.ts";
import { moveServices } from "./bootstrap/move-services.ts";
import { publishApiServer } from "./bootstrap/publish-api-server.ts";

/** The store, the API server over HTTPS and the built-in controllers, in this process. */
export function apiServerPart(world: PartWorld): RunningPart {
  const stops: (() => void | Promise<void>)[] = [];
  return {
    ready: serve(world, stops),
    async stop() {
      for (const stop of stops.toReversed()) await stop();
    },
  };
}

async function serve(
  {
    data,
    port,
    block,
    addressing,
    address,
    context,
    kubeconfig,
    sync,
    authorization,
    addOns = [],
    clock,
    log,
  }: PartWorld,
  stops: (() => void | Promise<void>)[],
): Promise<Readonly<Record<string, string>>> {
  const journal = new FileJournal(data.store, { clock, sync, onProblem: log });
  const store = new Store({ journal, revive: withFieldsAsText });
  stops.push(() => store.close());
  const moved = moveServices(store, block);
  if (moved > 0) log(`${moved} Services have moved to the addresses 127.${block}`);
  const addresses = addressesOf(block);
  const pki = await loadPki(data.pki, clock.now(), [serviceAddress(store, addresses)]);
  const shared = address ?? (addressing === "single" ? "127.0.0.1" : undefined);
  const node = nodeOf(data.path);
  const apiServer = new ApiServer({
    store,
    clock,
    access: accessOf(pki, authorization),
    addresses,
    isPortInUse: (port) => listenersAt(listeners(), "127.0.0.1", port).length > 0,
    podLogs: node.logs,
  });
  const client = new KubernetesClient(apiServer, "teal");
  await installDefinitions(client);
  await installAddOns(client, addOns);
  // Before the controllers, so that a taken port stops everything before anything is done.
  const http = await startHttpServer({
    apiServer,
    pki,
    clock,
    node,
    port,
    onProblem: log,
  });
  stops.push(() => http.close());
  await publishApiServer(client, http.port);
  const workloads = await startWorkloads({
    apiServer,
    clock,
    onProblem: log,
    usage: () => node.usage(),
    certificateAuthority: pki.authority,
    loadBalancers: shared === undefined ? { is: "block", addresses } : { is: "shared", address: shared },
  });
  stops.push(() => workloads.stop());
  for (const file of [data.kubeconfig, ...(kubeconfig === undefined ? [] : [kubeconfig])])
    await writeKubeconfig(file, http.url, pki, context);
  return { server: http.url };
}

/** The address of the Service `kubernetes`: the one it has, or the first one, which it will have. */
function serviceAddress(store: Store, addresses: Addresses): string {
  const service = store.get("services", "default", "kubernetes") as Service | undefined;
  return service?.spec.clusterIP ?? addresses.clusterIp(0);
}
