import { KubernetesClient } from "../../../kubernetes/client.ts";
import { transportFor } from "../../../kubernetes/kubeconfig.ts";
import type { Clock } from "../../../time/clock.ts";
import { addressesOf } from "../../addresses.ts";
import { startTraffic } from "../../network/traffic.ts";
import type { DataFolder } from "../data-folder.ts";
import { SentSockets } from "../sent-sockets.ts";
import type { RunningPart, StopReason } from "../supervised.ts";

export interface TrafficPartOptions {
  readonly data: DataFolder;
  readonly block: number;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** The Service proxy. Serves from its last known routes while the API server is away. */
export function trafficPart({ data, block, clock, log }: TrafficPartOptions): RunningPart {
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
