import type { KubernetesObject, LabelSelector, Pod } from "../../../api/core.ts";
import { selects } from "../../../api/label-selector.ts";
import { type Clock, formatTime } from "../../../time/clock.ts";
import { type Fields, fieldsOf, textOf } from "../json.ts";
import { builtInKinds } from "../kind.ts";
import type { ApiObject } from "../kinds/rules.ts";
import { deletionOptions, type WriteOptions } from "../options.ts";
import { internalError, Refusal } from "../refusal.ts";
import { travellingType } from "../sent-object.ts";
import type { Place, Writer } from "../writer.ts";

const evictionType = travellingType("policy", "v1", "Eviction");
const budgets = "poddisruptionbudgets.policy";
const [budgetKind] = builtInKinds.filter(({ collection }) => collection === budgets);
/** While a budget has not been looked at since it was changed. */
const retryAfterSeconds = 10;

interface Budget extends ApiObject {
  readonly spec: { readonly selector?: LabelSelector; readonly unhealthyPodEvictionPolicy?: string };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly disruptionsAllowed?: number;
    readonly currentHealthy?: number;
    readonly desiredHealthy?: number;
    readonly disruptedPods?: Readonly<Record<string, string>>;
  };
}

/** Deletes a pod as a drain does, unless a disruption budget needs it. Returns warnings; throws the refusal of the budget. */
export async function evictPod(
  writer: Writer,
  place: Place,
  get: () => ApiObject,
  body: unknown,
  query: Readonly<Record<string, string>>,
  clock: Clock,
  options: WriteOptions,
): Promise<readonly string[]> {
  const { object: eviction, warnings } = writer.bodies.subresource(evictionType, place, body, options);
  const pod = get();
  if (isCounted(pod)) askBudgets(writer, place, pod, clock, options);
  await writer.delete(place, deletionOptions(eviction.deleteOptions, query, options.user));
  return warnings;
}

/** Whether the pod may be of use to anybody: it has a node and has neither ended nor been told to go. */
function isCounted(pod: ApiObject): boolean {
  const phase = textOf(fieldsOf(pod.status).phase);
  return pod.metadata.deletionTimestamp === undefined && !["Succeeded", "Failed", "Pending"].includes(phase);
}

function askBudgets(writer: Writer, place: Place, pod: ApiObject, clock: Clock, options: WriteOptions): void {
  const concerned = writer
    .stored(budgets, place.namespace)
    .map((object) => object as Budget)
    .filter(({ spec }) => spec.selector !== undefined && selects(spec.selector, pod.metadata.labels));
  const [budget] = concerned;
  if (budget === undefined) return;
  if (concerned.length > 1)
    throw internalError(
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    );
  const { status = {}, metadata, spec } = budget;
  const { currentHealthy = 0, desiredHealthy = 0, disruptionsAllowed = 0 } = status;
  if (!isReady(pod)) {
    const isHealthy = desiredHealthy > 0 && currentHealthy >= desiredHealthy;
    if (spec.unhealthyPodEvictionPolicy === "AlwaysAllow" || isHealthy) return;
  }
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0))
    throw refusal(`The disruption budget ${metadata.name} is still being processed by the server.`, {
      retryAfterSeconds,
    });
  if (disruptionsAllowed <= 0)
    throw refusal(
      `The disruption budget ${metadata.name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
    );
  const disruptedPods = { ...status.disruptedPods, [pod.metadata.name]: formatTime(clock.now()) };
  const next = {
    ...budget,
    status: { ...status, disruptionsAllowed: disruptionsAllowed - 1, disruptedPods },
  };
  if (budgetKind !== undefined) writer.replace(budgetKind, budget, next, options);
}

function isReady(pod: KubernetesObject & Fields): boolean {
  const { conditions = [] } = (pod as unknown as Pod).status ?? {};
  return conditions.some(({ type, status }) => type === "Ready" && status === "True");
}

function refusal(message: string, details: object = {}): Refusal {
  return new Refusal(
    429,
    "TooManyRequests",
    "Cannot evict pod as it would violate the pod's disruption budget.",
    { causes: [{ reason: "DisruptionBudget", message }], ...details },
  );
}
