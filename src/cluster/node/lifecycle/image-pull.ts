import type { Container, ContainerState, Pod } from "../../../api/core.ts";
import { type Cancel, type Clock, later } from "../../../time/clock.ts";
import { pause } from "../../../time/pause.ts";
import { ContainerError, type PodDriver } from "../pod-driver.ts";
import type { PodEventSink } from "../pod-events.ts";
import { BackOff } from "./back-off.ts";

export interface ImagePull {
  readonly pod: Pod;
  readonly container: Container;
  readonly driver: PodDriver;
  readonly clock: Clock;
  readonly events: PodEventSink;
  readonly show: (state: ContainerState) => void;
  readonly stopping: AbortSignal;
}

// How long `ErrImagePull` stands before it becomes `ImagePullBackOff`.
const pullErrorShownSeconds = 2;

/** Waits until the container's image is there. Answers its id; undefined when stopped before. */
export async function pullImage(pull: ImagePull): Promise<string | undefined> {
  const { clock, container, driver, events, pod, show, stopping } = pull;
  const image = container.image ?? "";
  const pulls = new BackOff();
  while (!stopping.aborted) {
    pulls.tried(clock.now());
    const imageChanged = new AbortController();
    let unfollow: Cancel = () => {};
    try {
      unfollow = driver.followImages(() => imageChanged.abort());
      const imageId = await driver.pull({ pod, container: container.name });
      const message = `Container image "${image}" already present on machine`;
      events.record(pod, "Normal", "Pulled", message, container.name);
      return imageId;
    } catch (cause) {
      const failedAt = clock.now();
      if (container.imagePullPolicy === "Never") {
        // Nothing is pulled, so there is no back-off from it either.
        const absent = `Container image "${image}" is not present with pull policy of Never`;
        events.record(pod, "Warning", "ErrImageNeverPull", absent, container.name);
        events.record(pod, "Warning", "Failed", "Error: ErrImageNeverPull", container.name);
        show({
          waiting: { reason: "ErrImageNeverPull", message: `${absent}: ${pullErrorOf(cause).message}` },
        });
        await pause(clock, later(failedAt, pulls.secondsAfter(failedAt)), stopping, imageChanged.signal);
        continue;
      }
      events.record(pod, "Normal", "Pulling", `Pulling image "${image}"`, container.name);
      const error = pullErrorOf(cause);
      const message = `Failed to pull image "${image}": ${error.message}`;
      events.record(pod, "Warning", "Failed", message, container.name);
      events.record(pod, "Warning", "Failed", `Error: ${error.reason}`, container.name);
      show({ waiting: { reason: error.reason, message: error.message } });
      await pause(clock, later(failedAt, pullErrorShownSeconds), stopping, imageChanged.signal);
      if (stopping.aborted || imageChanged.signal.aborted) continue;
      const backingOff = `Back-off pulling image "${image}"`;
      events.record(pod, "Normal", "BackOff", backingOff, container.name);
      events.record(pod, "Warning", "Failed", "Error: ImagePullBackOff", container.name);
      const detail = `${backingOff}: ${error.reason}: ${error.message}`;
      show({ waiting: { reason: "ImagePullBackOff", message: detail } });
      await pause(clock, later(failedAt, pulls.secondsAfter(failedAt)), stopping, imageChanged.signal);
    } finally {
      unfollow();
    }
  }
  return undefined;
}

function pullErrorOf(cause: unknown): ContainerError {
  if (cause instanceof ContainerError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new ContainerError("ErrImagePull", message, { cause });
}
