import type { KubernetesObject, Pod, ReplicaSet } from "../api/core.ts";
import { type Resource, resources } from "../api/resources.ts";
import type { Rollout } from "../api/rollout.ts";
import { WatchCache } from "../kubernetes/watch-cache.ts";
import type { Cancel } from "../time/clock.ts";
import { type RolloutView, rolloutTree } from "../view/rollout-tree.ts";
import { type ByOwner, ownerUids, type Seen, seenOf } from "../view/seen.ts";
import type { Cluster, Context } from "./command.ts";
import { CommandError } from "./errors.ts";
import { whenInterrupted } from "./terminal.ts";

/** What can be seen of one Rollout, kept up to date. */
export interface RolloutWatch {
  /** As it is now; undefined when the Rollout is no longer there. */
  seen(): Seen | undefined;
  /** The same as it is shown. */
  view(): RolloutView | undefined;
  /** Calls back after everything that may have changed what is seen. */
  subscribe(changed: () => void): Cancel;
  /** Rejects when the server refuses to tell more of a kind that is needed: nothing is going to change any more. */
  readonly refused: Promise<never>;
  stop(): void;
}

/**
 * Watches a Rollout with its ReplicaSets and pods. Resolves when all has been read. Where `needs` is `rollout`, the others may be
 * refused, and are then as if there were none.
 */
export async function watchRollout(
  cluster: Cluster,
  name: string,
  { clock, terminal }: Pick<Context, "clock" | "terminal">,
  needs: "rollout" | "everything",
): Promise<RolloutWatch> {
  const { client, namespace } = cluster;
  const refused = Promise.withResolvers<never>();
  refused.promise.catch(() => {});
  const caches: { start(): void; stop(): void }[] = [];
  const known: Promise<void>[] = [];
  const cache = <T extends KubernetesObject>(resource: Resource, isNeeded: boolean): WatchCache<T> => {
    const isKnown = Promise.withResolvers<void>();
    const it: WatchCache<T> = new WatchCache<T>({
      client,
      clock,
      resource,
      namespace,
      indexes: { owner: ownerUids },
      // What is not needed is nobody's problem, and a refusal ends the command with the same words.
      onProblem(text) {
        if (isNeeded && it.unknownBecause !== text) terminal.error(`${text}\n`);
      },
      onKnowledge() {
        const because = it.unknownBecause;
        if (because !== undefined && isNeeded) refused.reject(new CommandError(because));
        else isKnown.resolve();
      },
    });
    caches.push(it);
    known.push(isKnown.promise);
    return it;
  };
  const rollouts = cache<Rollout>(resources.rollouts, true);
  const replicaSets = cache<ReplicaSet>(resources.replicaSets, needs === "everything");
  const pods = cache<Pod>(resources.pods, needs === "everything");
  const stop = (): void => {
    for (const it of caches) it.stop();
  };
  for (const it of caches) it.start();
  const interrupted = Promise.withResolvers<never>();
  const unlisten = whenInterrupted(terminal, () => interrupted.reject(new CommandError("interrupted")));
  try {
    await Promise.race([Promise.all(known), interrupted.promise, refused.promise]);
  } catch (error) {
    stop();
    throw error;
  } finally {
    unlisten();
  }
  const ownedIn =
    <T extends KubernetesObject>(all: WatchCache<T>): ByOwner<T> =>
    (uid) =>
      all.by("owner", uid);
  const seen = (): Seen | undefined => {
    const rollout = rollouts.get(namespace, name);
    return rollout && seenOf(rollout, ownedIn(replicaSets), ownedIn(pods));
  };
  return {
    seen,
    view() {
      const now = seen();
      return now && rolloutTree(now);
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
    refused: refused.promise,
    stop,
  };
}
