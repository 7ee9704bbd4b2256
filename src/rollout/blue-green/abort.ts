import { later } from "../../time/clock.ts";
import { availableOf, deadlineOf, hashOf, scale, setDeadline, sizeOf } from "../replica-set.ts";
import { soundSize } from "../situation.ts";
import { acting, done, type Step, type StepResult, waiting } from "../step.ts";
import { pointTo } from "./route.ts";
import { type BlueGreenSituation, canTakeOver, routing } from "./situation.ts";

/*
 * The way back of an aborted update. It looks at the stable version only: nothing here waits for anything of the new one.
 */
export const abortSteps: readonly Step<BlueGreenSituation>[] = [returnToStable, confirmReturn, retireAborted];

function returnToStable(s: BlueGreenSituation): StepResult {
  const { stable } = s;
  if (stable === undefined) return waiting("the stable version, whose ReplicaSet is gone");
  if (s.active.target === hashOf(stable)) return done;
  if (!canTakeOver(s, stable)) {
    const detail = `${availableOf(stable)} of ${s.replicas} are`;
    return waiting("pods of the stable version to become available", undefined, { detail });
  }
  return { ...awaitReturn(s), ...pointTo(s.active, hashOf(stable), "the update was aborted") };
}

function confirmReturn(s: BlueGreenSituation): StepResult {
  if (s.stable === undefined) return waiting("the stable version, whose ReplicaSet is gone");
  const result = routing(s, s.active, hashOf(s.stable));
  return result.is === "routed" ? done : awaitReturn(s, result.is === "pending" ? result.on : result.because);
}

function awaitReturn(s: BlueGreenSituation, detail?: string): StepResult & { readonly is: "waiting" } {
  const on = `requests to ${s.active.name} to reach the stable version only`;
  return waiting(on, undefined, { detail, step: confirmReturn.name });
}

// The delay counts from here: users have left the aborted version, and the stable one carries them all.
function retireAborted(s: BlueGreenSituation): StepResult {
  const { current, stable, strategy } = s;
  if (current === undefined || sizeOf(current) === 0 || strategy.abortScaleDownDelaySeconds === 0)
    return done;
  if (availableOf(stable) < soundSize(s)) return waiting("pods of the stable version to become available");
  const on = "abortScaleDownDelaySeconds to pass";
  const deadline = deadlineOf(current);
  if (deadline === undefined) {
    const until = later(s.now, strategy.abortScaleDownDelaySeconds);
    const because = "the aborted version is no longer needed";
    return { ...waiting(on, until), ...acting(setDeadline(current, until, because)) };
  }
  if (deadline > s.now) return waiting(on, deadline);
  return acting(scale(current, 0, s.replicas, "abortScaleDownDelaySeconds have passed"));
}
