import { type Instant, later } from "../../time/clock.ts";
import { availableOf, deadlineOf, hashOf, scale, setDeadline, sizeOf } from "../replica-set.ts";
import { soundSize } from "../situation.ts";
import { acting, done, type Step, type StepResult, waiting } from "../step.ts";
import { pointTo } from "./route.ts";
import { type BlueGreenSituation, canTakeOver, routing } from "./situation.ts";

/*
 * The way back of an aborted update. It looks at the stable version only: nothing here waits for anything of the new one.
 */
export const abortSteps: readonly Step<BlueGreenSituation>[] = [returnToStable, confirmReturn, retireAborted];

function returnToStable(situation: BlueGreenSituation): StepResult {
  const { stable } = situation;
  if (stable === undefined) return waiting("the stable version, whose ReplicaSet is gone");
  if (situation.active.target === hashOf(stable)) return done;
  if (!canTakeOver(situation, stable)) {
    const detail = `${availableOf(stable)} of ${situation.replicas} are`;
    return waiting("pods of the stable version to become available", undefined, { detail });
  }
  return {
    ...awaitReturn(situation),
    ...pointTo(situation.active, hashOf(stable), "the update was aborted"),
  };
}

function confirmReturn(situation: BlueGreenSituation): StepResult {
  if (situation.stable === undefined) return waiting("the stable version, whose ReplicaSet is gone");
  const result = routing(situation, situation.active, hashOf(situation.stable));
  switch (result.is) {
    case "routed":
      return done;
    case "pending":
      return awaitReturn(situation, result.on, result.recheckAt);
    case "unsupported":
      return awaitReturn(situation, result.because);
  }
}

function awaitReturn(
  situation: BlueGreenSituation,
  detail?: string,
  recheckAt?: Instant,
): StepResult & { readonly is: "waiting" } {
  const on = `requests to ${situation.active.name} to reach the stable version only`;
  return waiting(on, undefined, { detail, recheckAt, step: confirmReturn.name });
}

// The delay counts from here: users have left the aborted version, and the stable one carries them all.
function retireAborted(situation: BlueGreenSituation): StepResult {
  const { current, stable, strategy } = situation;
  if (current === undefined || sizeOf(current) === 0 || strategy.abortScaleDownDelaySeconds === 0)
    return done;
  if (availableOf(stable) < soundSize(situation))
    return waiting("pods of the stable version to become available");
  const on = "abortScaleDownDelaySeconds to pass";
  const deadline = deadlineOf(current);
  if (deadline === undefined) {
    const until = later(situation.now, strategy.abortScaleDownDelaySeconds);
    const because = "the aborted version is no longer needed";
    return { ...waiting(on, until), ...acting(setDeadline(current, until, because)) };
  }
  if (deadline > situation.now) return waiting(on, deadline);
  return acting(scale(current, 0, situation.replicas, "abortScaleDownDelaySeconds have passed"));
}
