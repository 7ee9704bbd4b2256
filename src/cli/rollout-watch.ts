import type { KubernetesObject, Pod, ReplicaSet } from "../api/core.ts";
import { type Resource, resources } from "../api/resources.ts";
import type { Rollout } from "../api/rollout.ts";
import { WatchCache } from "../kubernetes/watch-cache.ts";
import type { Cancel } from "../time/clock.ts";
import { type RolloutView, rolloutTree } from "../view/rollout-tree.ts";
import type { Cluster, Context } from "./command.ts";
import { CommandError } from "./errors.ts";
import { whenInterrupted } from "./terminal.ts";

/** What can be seen of one Rollout, kept up to date. */
export interface RolloutWatch {
  /** As it is now; undefined when the Rollout is no longer there. */
  view(): RolloutView | undefined;
  /** Calls back after everything that may have changed the view. */
  subscribe(changed: () => void): Cancel;
  stop(): void;
}

/** Watches a Rollout; with its ReplicaSets and pods where the view of these is wanted. Resolves when all has been read. */
export async function watchRollout(
  cluster: Cluster,
  name: string,
  { clock, terminal }: Pick<Context, "clock" | "terminal">,
  withPods: boolean,
): Promise<RolloutWatch> {
  const { client, namespace } = cluster;
  const cache = <T extends KubernetesObject>(resource: Resource): WatchCache<T> =>
    new WatchCache<T>({
      client,
      clock,
      resource,
      namespace,
      onProblem: (text) => terminal.error(`${text}\n`),
    });
  const rollouts = cache<Rollout>(resources.rollouts);
  const replicaSets = cache<ReplicaSet>(resources.replicaSets);
  const pods = cache<Pod>(resources.pods);
  const caches = withPods ? [rollouts, replicaSets, pods] : [rollouts];
  for (const it of caches) it.start();
  const interrupted = Promise.withResolvers<never>();
  const unlisten = whenInterrupted(terminal, () => interrupted.reject(new CommandError("interrupted")));
  try {
    await Promise.race([Promise.all(caches.map((it) => it.whenSynced())), interrupted.promise]);
  } catch (error) {
    for (const it of caches) it.stop();
    throw error;
  } finally {
    unlisten();
  }
  return {
    view() {
      const rollout = rollouts.get(namespace, name);
      return rollout && rolloutTree(rollout, replicaSets.list(), pods.list(), clock.now());
    },
    subscribe(changed) {
      const cancels = [
        rollouts.subscribe(({ object }) => object.metadata.name === name && changed()),
        replicaSets.subscribe(changed),
        pods.subscribe(changed),
      ];
      return () => {
        for (const cancel of cancels) cancel();
      };
    },
    stop() {
      for (const it of caches) it.stop();
    },
  };
}
