import type { Rollout } from "../../src/api/rollout.ts";
import { strategyOf } from "../../src/api/strategy.ts";
import { type Truth, versionIn } from "./truth.ts";

/** What shows of a Rollout. */
export interface Picture {
  readonly phase: string;
  readonly wanted: string | undefined;
  readonly stable: string | undefined;
  readonly selected: string | undefined;
  readonly reached: readonly string[];
  readonly preview: string | undefined;
  readonly sizes: Readonly<Record<string, number>>;
}

export function pictureOf(truth: Truth, rollout: Rollout): Picture {
  const { activeService = "", previewService = "" } = rollout.spec.strategy?.blueGreen ?? {};
  const { status = {} } = rollout;
  const sizes = truth
    .replicaSets(rollout)
    .filter((one) => (one.spec.replicas ?? 0) > 0)
    .map((one) => [versionIn(one.spec.template) ?? "", one.spec.replicas ?? 0] as const)
    .toSorted(([a], [b]) => a.localeCompare(b));
  return {
    phase: `${status.phase} ${(status.message ?? "").split(":")[0]}`.trim(),
    wanted: versionIn(rollout.spec.template),
    stable: truth.versionOfHash(rollout, status.stableRS),
    selected: truth.selected(rollout, activeService),
    reached: [...truth.reached(rollout, activeService)].toSorted(),
    preview: truth.selected(rollout, previewService),
    sizes: Object.fromEntries(sizes),
  };
}

/** What is not as it should be for a Rollout that has had all the time it needs, and pods that are all well. */
export function unrest(truth: Truth, rollout: Rollout): readonly string[] {
  const picture = pictureOf(truth, rollout);
  const { phase, wanted, stable, selected, reached, preview, sizes } = picture;
  const strategy = strategyOf(rollout);
  if (strategy.kind !== "blueGreen" || wanted === undefined) return ["it has no strategy or template"];
  const { replicas = 1 } = rollout.spec;
  const problems: string[] = [];
  const expect = (isSo: boolean, what: string): void => {
    if (!isSo) problems.push(what);
  };
  // Where somebody has deleted the stable version, nobody is served until a person promotes what waits.
  const isGone = stable === undefined && (rollout.status?.stableRS ?? "") !== "" && phase !== "Healthy";
  expect(stable !== undefined || isGone, "it has no stable version");
  expect(
    isGone || (selected === stable && reached.length === 1 && reached[0] === stable),
    "users are not on the stable version",
  );
  expect(
    rollout.status?.blueGreen?.activeSelector === rollout.status?.stableRS,
    "the status does not say what is live",
  );
  const expected: Record<string, number> = stable === undefined ? {} : { [stable]: replicas };
  const isAborted = phase === "Degraded RolloutAborted";
  if (wanted === stable) expect(phase === "Healthy", "it is not Healthy");
  else expect(isAborted || phase === "Paused BlueGreenPause", "it waits for nobody");
  if (wanted !== stable && !isAborted) expected[wanted] = strategy.previewReplicaCount ?? replicas;
  if (isAborted && strategy.abortScaleDownDelaySeconds === 0) expected[wanted] = sizes[wanted] ?? 0;
  if (expected[wanted] === 0) delete expected[wanted];
  const inOrder = (counts: object) => JSON.stringify(Object.entries(counts).toSorted());
  expect(inOrder(sizes) === inOrder(expected), `its versions should have ${inOrder(expected)} pods`);
  if (strategy.routes.some(({ role }) => role === "preview") && !isAborted)
    expect(preview === wanted, `the preview Service leads to ${preview}`);
  return problems.length === 0 ? [] : [`${problems.join("; ")}: ${JSON.stringify(picture)}`];
}
