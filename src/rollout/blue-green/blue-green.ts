import type { BlueGreen } from "../../api/strategy.ts";
import type { Strategy } from "../strategy.ts";
import { abortSteps } from "./abort.ts";
import { holdsActiveRoutes, validateReferences } from "./references.ts";
import { type BlueGreenSituation, blueGreenSituation } from "./situation.ts";
import { pendingBlueGreen, readBlueGreen } from "./status.ts";
import { blueGreenSteps } from "./steps.ts";
import { blueGreenUpkeep, holdActiveRoute, recordFormerStable, sizeLive } from "./upkeep.ts";
import { blueGreenWaits } from "./waits.ts";

/** All users move at once from the old version to the new one, which has stood beside it complete. */
export function blueGreen(strategy: BlueGreen): Strategy<BlueGreenSituation> {
  return {
    validate: (snapshot) => validateReferences(snapshot, strategy),
    read: (snapshot, now) => blueGreenSituation(snapshot, strategy, now),
    steps: blueGreenSteps,
    abort: abortSteps,
    records: [recordFormerStable],
    upkeep: blueGreenUpkeep,
    brake(snapshot) {
      const mayGoBack = holdsActiveRoutes(snapshot, strategy);
      return { mayGoBack, upkeep: mayGoBack ? [sizeLive, holdActiveRoute] : [sizeLive] };
    },
    status: readBlueGreen,
    liveIn: (status) => status.blueGreen?.activeSelector || undefined,
    waits: blueGreenWaits,
    pending: pendingBlueGreen,
  };
}
