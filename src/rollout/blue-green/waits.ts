import type { End, Waits } from "../strategy.ts";

const byPromote: End = (rollout) => `\`teal promote ${rollout}\` ends it`;
const byPods: End = (rollout, isUpdate) =>
  byThem("are", isUpdate ? `\`teal abort ${rollout}\` gives it up` : "");
const byRouting: End = (rollout, isUpdate) =>
  byThem("do", isUpdate ? `\`teal abort ${rollout}\` sends them back` : "");
const byThat: End = () => "it goes on as soon as that is so";

function byThem(verb: "are" | "do", orelse = ""): string {
  return `it goes on as soon as they ${verb}${orelse === "" ? "" : `, ${orelse}`}`;
}

/** What ends a wait at each step, and which of them somebody wants to last. */
export const blueGreenWaits: Waits = {
  ScalePreview: { end: byPods },
  AwaitPromotion: { end: byPromote, isPause: true },
  ScaleToFullSize: { end: byPods },
  SwitchRoutes: { end: byPromote, isPause: true },
  ConfirmRouting: { end: byRouting },
  ReturnToStable: { end: byThat },
  ConfirmReturn: { end: byThat },
};
