import { KubernetesClient } from "../../../kubernetes/client.ts";
import { transportFor } from "../../../kubernetes/kubeconfig.ts";
import type { Clock } from "../../../time/clock.ts";
import { addressesOf } from "../../addresses.ts";
import { startTraffic } from "../../network/traffic.ts";
import type { DataFolder } from "../data-folder.ts";
import type { RunningPart } from "../supervised.ts";

export interface TrafficPartOptions {
  readonly data: DataFolder;
  readonly port: number;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** The Service proxy. Serves from its last known routes while the API server is away. */
export function trafficPart({ data, port, clock, log }: TrafficPartOptions): RunningPart {
  const { transport } = transportFor({ kubeconfig: data.kubeconfig, clock });
  const traffic = startTraffic({
    client: new KubernetesClient(transport, "teal-traffic"),
    clock,
    addresses: addressesOf(port),
    dataFolder: data.path,
    log,
  });
  return {
    ready: traffic.then(() => ({})),
    async stop() {
      await (await traffic).stop();
      transport.close();
    },
  };
}
