import type { Pod } from "../../../api/core.ts";
import { type Clock, later } from "../../../time/clock.ts";
import { pause } from "../../../time/pause.ts";
import type { PodDriver, PodNetwork } from "../pod-driver.ts";
import type { PodEventSink } from "../pod-events.ts";

export interface PodPreparation {
  readonly pod: Pod;
  readonly driver: PodDriver;
  readonly clock: Clock;
  readonly events: PodEventSink;
  readonly stopping: AbortSignal;
  /** Something is not there yet. For volumes there is no message: a pod that waits for one is being created. */
  readonly failed: (message?: string) => void;
}

const networkRetrySeconds = 10;
// As the kubelet's.
const firstVolumeRetrySeconds = 0.5;
const longestVolumeRetrySeconds = 122;

/** Whether all volumes are there at last; false when stopped before. */
export async function setUpVolumes(preparation: PodPreparation): Promise<boolean> {
  const { pod, driver, clock, events, stopping, failed } = preparation;
  let retryAfterSeconds = firstVolumeRetrySeconds;
  while (!stopping.aborted) {
    const mayHaveCome = new AbortController();
    const unfollow = driver.followVolumes?.(pod, () => mayHaveCome.abort());
    try {
      const problems = (await driver.setUpVolumes?.(pod)) ?? [];
      if (problems.length === 0) return true;
      failed();
      for (const { volume, message } of problems) {
        const text = `MountVolume.SetUp failed for volume "${volume}" : ${message}`;
        events.record(pod, "Warning", "FailedMount", text);
      }
      await pause(clock, later(clock.now(), retryAfterSeconds), stopping, mayHaveCome.signal);
      retryAfterSeconds = Math.min(retryAfterSeconds * 2, longestVolumeRetrySeconds);
    } finally {
      unfollow?.();
    }
  }
  return false;
}

/** The pod's place in the network, at last; undefined when stopped before. */
export async function findNetwork(preparation: PodPreparation): Promise<PodNetwork | undefined> {
  const { pod, driver, clock, events, stopping, failed } = preparation;
  while (!stopping.aborted) {
    try {
      return await driver.prepare(pod);
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      const message = `Failed to create pod sandbox: ${cause}`;
      events.record(pod, "Warning", "FailedCreatePodSandBox", message);
      failed(message);
      await pause(clock, later(clock.now(), networkRetrySeconds), stopping);
    }
  }
  return undefined;
}
