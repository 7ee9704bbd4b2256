import { addressesOf } from "../cluster/addresses.ts";
import { startTraffic } from "../cluster/network/traffic.ts";
import type { PartWorld } from "../cluster/supervisor/part.ts";
import { SentSockets } from "../cluster/supervisor/sent-sockets.ts";
import type { RunningPart, StopReason } from "../cluster/supervisor/supervised.ts";
import { KubernetesClient } from "../kubernetes/client.ts";
import { transportFor } from "../kubernetes/kubeconfig.ts";

/** The Service proxy. Serves from its last known routes while the API server is away. */
export function trafficPart({ data, block, clock, log }: PartWorld): RunningPart {
  const { transport } = transportFor({ kubeconfig: data.kubeconfig, clock });
  const traffic = SentSockets.receive().then((sockets) =>
    startTraffic({
      client: new KubernetesClient(transport, "teal-traffic"),
      clock,
      addresses: addressesOf(block),
      dataFolder: data.path,
      sockets,
      log,
    }),
  );
  return {
    ready: traffic.then(() => ({})),
    async stop(reason: StopReason) {
      const newClients = reason === "terminated" ? "wait" : "refused";
      // One that could not be started has nothing to stop.
      await traffic.then(
        (running) => running.stop(newClients),
        () => undefined,
      );
      transport.close();
    },
  };
}
