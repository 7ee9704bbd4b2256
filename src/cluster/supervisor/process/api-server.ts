import { KubernetesClient } from "../../../kubernetes/client.ts";
import type { Clock } from "../../../time/clock.ts";
import { addressesOf } from "../../addresses.ts";
import { ApiServer } from "../../api-server/api-server.ts";
import { start as startHttpServer } from "../../api-server/http/http-server.ts";
import { writeKubeconfig } from "../../api-server/http/kubeconfig.ts";
import { loadPki } from "../../api-server/http/pki.ts";
import { podLogsIn } from "../../node/pod-logs.ts";
import { listeners, listenersAt } from "../../node/process/listeners.ts";
import { FileJournal, type SyncMode } from "../../store/file-journal.ts";
import { Store } from "../../store/store.ts";
import { startWorkloads } from "../../workloads/workloads.ts";
import type { DataFolder } from "../data-folder.ts";
import { installDefinitions } from "../install-definitions.ts";
import { moveServices } from "../move-services.ts";
import { publishApiServer } from "../publish-api-server.ts";
import type { RunningPart } from "../supervised.ts";

export interface ApiServerPartOptions {
  readonly data: DataFolder;
  readonly port: number;
  readonly block: number;
  /** Written besides the one in the data folder. */
  readonly kubeconfig?: string | undefined;
  /** When writes are forced onto the disk; in the background when absent. */
  readonly sync?: SyncMode | undefined;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** The store, the API server over HTTPS and the built-in controllers, in this process. */
export function apiServerPart(options: ApiServerPartOptions): RunningPart {
  const stops: (() => void | Promise<void>)[] = [];
  return {
    ready: serve(options, stops),
    async stop() {
      for (const stop of stops.toReversed()) await stop();
    },
  };
}

async function serve(
  { data, port, block, kubeconfig, sync, clock, log }: ApiServerPartOptions,
  stops: (() => void | Promise<void>)[],
): Promise<Readonly<Record<string, string>>> {
  const journal = new FileJournal(data.store, { clock, sync, onProblem: log });
  const store = new Store({ journal });
  stops.push(() => store.close());
  const moved = moveServices(store, block);
  if (moved > 0) log(`${moved} Services have moved to the addresses 127.${block}`);
  const apiServer = new ApiServer({
    store,
    clock,
    addresses: addressesOf(block),
    isPortInUse: (port) => listenersAt(listeners(), "127.0.0.1", port).length > 0,
    podLogs: podLogsIn(data.path, clock),
  });
  const client = new KubernetesClient(apiServer, "teal");
  await installDefinitions(client);
  const pki = await loadPki(data.pki, clock.now());
  // Before the controllers, so that a taken port stops everything before anything is done.
  const http = await startHttpServer({
    apiServer,
    pki,
    clock,
    port,
    onProblem: log,
  });
  stops.push(() => http.close());
  await publishApiServer(client, http.port);
  const workloads = await startWorkloads({
    apiServer,
    clock,
    onProblem: log,
    certificateAuthority: pki.authority,
  });
  stops.push(() => workloads.stop());
  for (const file of [data.kubeconfig, ...(kubeconfig === undefined ? [] : [kubeconfig])])
    await writeKubeconfig(file, http.url, pki);
  return { server: http.url };
}
