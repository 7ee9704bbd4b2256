import { formatTime, later } from "../../time/clock.ts";
import { availableOf, deadlineOf, hashOf, scale, setDeadline, sizeOf } from "../replica-set.ts";
import { canTakeOver, routing, type Situation } from "../situation.ts";
import { acting, done, type Step, type StepResult, waiting } from "../step.ts";
import { pointTo } from "./route.ts";

/*
 * The way back of an aborted update. It looks at the stable version only: nothing here waits for anything of the new one.
 */
export const abortSteps: readonly Step<Situation>[] = [returnToStable, confirmReturn, retireAborted];

function returnToStable(s: Situation): StepResult {
  const { stable } = s;
  if (stable === undefined) return waiting("the stable version, whose ReplicaSet is gone");
  if (s.active.target === hashOf(stable)) return done;
  if (!canTakeOver(s, stable)) {
    return waiting(`pods of the stable version: ${availableOf(stable)} of ${s.replicas} available`);
  }
  return pointTo(s.active, hashOf(stable), "the update was aborted");
}

function confirmReturn(s: Situation): StepResult {
  if (s.stable === undefined) return waiting("the stable version, whose ReplicaSet is gone");
  const result = routing(s, s.active, hashOf(s.stable));
  return result.is === "routed" ? done : waiting(result.is === "pending" ? result.on : result.because);
}

// The delay counts from here: users have left the aborted version, and the stable one carries them all.
function retireAborted(s: Situation): StepResult {
  const { current, stable, strategy } = s;
  if (current === undefined || sizeOf(current) === 0 || strategy.abortScaleDownDelaySeconds === 0)
    return done;
  if (availableOf(stable) < s.replicas) return waiting("all pods of the stable version");
  const deadline = deadlineOf(current);
  if (deadline === undefined) {
    const until = later(s.now, strategy.abortScaleDownDelaySeconds);
    return acting(setDeadline(current, until, "the aborted version is no longer needed"));
  }
  if (deadline > s.now)
    return waiting(`abortScaleDownDelaySeconds to pass, until ${formatTime(deadline)}`, deadline);
  return acting(scale(current, 0, s.replicas, "abortScaleDownDelaySeconds have passed"));
}
