import type { ReplicaSet } from "../api/core.ts";
import { keyOf } from "../api/metadata.ts";
import { podTemplateHashLabel } from "../api/names.ts";
import { resources } from "../api/resources.ts";
import type { Rollout, RolloutStatus } from "../api/rollout.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { isLater } from "../kubernetes/resource-version.ts";
import type { Plan } from "../rollout/pass.ts";
import { hashOf } from "../rollout/replica-set.ts";
import type { Snapshot } from "../rollout/snapshot.ts";
import { present } from "../rollout/status/fields.ts";
import { isNews } from "../rollout/status/news.ts";
import { refusedStatus } from "../rollout/status/refused.ts";
import type { Clock, Instant } from "../time/clock.ts";
import { type Caches, controllersOf, neededFor } from "./caches.ts";
import { gather } from "./gather.ts";
import type { Creation, Hands, ReconciledKind } from "./kind.ts";
import type { OwnWrites } from "./own-writes.ts";

export type Planner = (snapshot: Snapshot, now: Instant) => Plan;

interface RolloutKindOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly caches: Caches;
  readonly ownWrites: OwnWrites;
  readonly plan: Planner;
}

/** Rollouts, as the reconciler needs to know them. */
export function rolloutKind(options: RolloutKindOptions): ReconciledKind<Rollout, Snapshot, RolloutStatus> {
  const { caches, clock, plan } = options;
  return {
    resource: resources.rollouts,
    neededFor,
    find: (namespace, name) => caches.rollouts.get(namespace, name),
    isReadFor: (rollout) => caches.isReadFor(rollout),
    gather: (rollout) => gather(rollout, caches),
    plan,
    isNews,
    async notCreated(creation, rollout, planned, { kind, message: why }, hands) {
      if (kind === "alreadyExists") await stepAround(creation, rollout, hands, options);
      if (kind !== "invalid" && kind !== "forbidden") return;
      // A new version that the API server does not take shows in the status, not only in an event.
      const { name } = creation.object.metadata;
      const { status, event } = refusedStatus(rollout, planned, name, why, clock.now());
      if (status.message === rollout.status?.message) return;
      await hands.writeStatus(status);
      hands.record(event);
    },
  };
}

/**
 * A ReplicaSet of the wanted name exists. If it is this Rollout's and just not in the cache yet, the next pass finds it;
 * if it is this Rollout's and on its way out, the name will be free, and its end wakes the Rollout up. Otherwise two templates
 * have got the same hash: the collision count makes the next one different, and the status must not ask for this one again.
 */
async function stepAround(
  { object }: Creation,
  rollout: Rollout,
  hands: Hands<RolloutStatus>,
  { client, caches, ownWrites }: RolloutKindOptions,
): Promise<void> {
  const { namespace = "", uid = "" } = rollout.metadata;
  const { name } = object.metadata;
  const found = await hands.attempt(`read ReplicaSet ${name}`, () =>
    client.get(resources.replicaSets, namespace, name),
  );
  const existing = { ...found, kind: resources.replicaSets.kind };
  const held = caches.replicaSets.get(namespace, name);
  const owners = controllersOf(existing);
  const isOurs = owners.includes(uid);
  if (isOurs && existing.metadata.deletionTimestamp !== undefined) {
    hands.tell(`waiting for the end of ReplicaSet ${name}, which is being deleted`);
    return;
  }
  const isKnown =
    held !== undefined && !isLater(existing.metadata.resourceVersion, held.metadata.resourceVersion);
  // The cache has only those with a hash. One without an owner may be one to adopt.
  const isComing = existing.metadata.labels?.[podTemplateHashLabel] !== undefined && !isKnown;
  if (isComing && (isOurs || owners.length === 0)) {
    ownWrites.wrote(keyOf(rollout), existing, held);
    return;
  }
  const { currentPodHash, ...status } = rollout.status ?? {};
  const isTaken = currentPodHash === hashOf(object as ReplicaSet);
  const collisionCount = (status.collisionCount ?? 0) + 1;
  await hands.writeStatus({ ...status, ...present(isTaken ? {} : { currentPodHash }), collisionCount });
}
