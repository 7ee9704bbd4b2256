import { existsSync } from "node:fs";
import { dataFolder } from "../cluster/supervisor/data-folder.ts";
import { KubernetesClient } from "../kubernetes/client.ts";
import { ApiError } from "../kubernetes/errors.ts";
import { transportFor } from "../kubernetes/kubeconfig.ts";
import type { Transport } from "../kubernetes/transport.ts";
import { type Clock, later } from "../time/clock.ts";
import type { Cluster, GlobalFlags } from "./command.ts";
import { CommandError } from "./errors.ts";
import { durationSeconds } from "./flags.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The cluster that is meant; credentials are read, nothing is sent yet. */
export function connect(global: GlobalFlags, clock: Clock, env: Environment): Cluster {
  const { context, namespace } = global;
  const kubeconfig = kubeconfigOf(global, env, existsSync);
  const connection = transportFor({ kubeconfig, context, clock, env });
  const seconds = durationSeconds("request-timeout", global["request-timeout"]) ?? 0;
  const { transport, server } = connection;
  return {
    client: new KubernetesClient(seconds > 0 ? patientFor(seconds, transport, server, clock) : transport),
    namespace: namespace ?? connection.namespace,
    server,
    follow: (request, stop) => transport.follow(request, stop),
  };
}

/**
 * The kubeconfig to use: the one that is named, else that of the embedded cluster whose folder is named, else `$KUBECONFIG`,
 * else that of an embedded cluster in this folder. Undefined leaves the choice to what kubectl does.
 */
export function kubeconfigOf(
  global: Pick<GlobalFlags, "kubeconfig" | "data">,
  env: Environment,
  exists: (path: string) => boolean,
): string | undefined {
  if (global.kubeconfig !== undefined) return global.kubeconfig;
  const embedded = dataFolder(global.data).kubeconfig;
  if (global.data !== undefined && !exists(embedded))
    throw new CommandError(
      `no cluster is up in ${global.data}; start one with "teal up --data ${global.data}"`,
    );
  if (global.data === undefined && (env["KUBECONFIG"] ?? "") !== "") return undefined;
  return exists(embedded) ? embedded : undefined;
}

/** The same transport, but a request that takes longer than `seconds` fails. */
function patientFor(seconds: number, transport: Transport, server: string, clock: Clock): Transport {
  return {
    async request(request) {
      const tooLate = Promise.withResolvers<never>();
      const cancel = clock.at(later(clock.now(), seconds), () =>
        tooLate.reject(
          new ApiError(
            "unreachable",
            `no answer from the Kubernetes API at ${server} within ${seconds} s (--request-timeout)`,
          ),
        ),
      );
      try {
        return await Promise.race([transport.request(request), tooLate.promise]);
      } finally {
        cancel();
      }
    },
    watch: (request, sink) => transport.watch(request, sink),
  };
}
