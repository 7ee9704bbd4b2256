import { instanceIdLabel } from "../api/names.ts";
import { resources } from "../api/resources.ts";
import type { Rollout } from "../api/rollout.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { ApiError } from "../kubernetes/errors.ts";
import type { Snapshot } from "../rollout/snapshot.ts";
import type { Clock } from "../time/clock.ts";
import { Caches } from "./caches.ts";
import { gather } from "./gather.ts";

/** What a controller would plan for this Rollout from, read now. Throws `ApiError`. */
export async function snapshotNow(
  client: KubernetesClient,
  clock: Clock,
  namespace: string,
  name: string,
  onProblem: (text: string) => void,
): Promise<Snapshot> {
  const { metadata } = await client.get<Rollout>(resources.rollouts, namespace, name);
  let told = Promise.withResolvers<void>();
  const caches = new Caches({
    client,
    clock,
    namespace,
    instanceId: metadata.labels?.[instanceIdLabel],
    onProblem: (_, text) => onProblem(text),
    onKnowledge: () => told.resolve(),
  });
  try {
    await caches.begin();
    for (;;) {
      told = Promise.withResolvers<void>();
      const rollout = caches.rollouts.get(namespace, name);
      if (rollout === undefined) throw new ApiError("notFound", `rollout "${name}" is gone`);
      if (caches.isReadFor(rollout)) return gather(rollout, caches);
      await told.promise;
    }
  } finally {
    caches.stop();
  }
}
