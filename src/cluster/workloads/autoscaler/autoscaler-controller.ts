import type { Condition, KubernetesObject, Pod } from "../../../api/core.ts";
import { pathOf, type Resource, resources } from "../../../api/resources.ts";
import { ApiError } from "../../../kubernetes/errors.ts";
import { formatTime, type Instant, later } from "../../../time/clock.ts";
import { ControlLoop } from "../control-loop.ts";
import type { WorkloadController, WorkloadOptions } from "../workload-controller.ts";
import type {
  AutoscalerStatus,
  HorizontalPodAutoscaler,
  MetricStatus,
  Scale,
} from "./horizontal-pod-autoscaler.ts";
import { type Evaluated, evaluate } from "./metric-evaluation.ts";
import { type Measured, NoProposal, type Proposal, proposeReplicas } from "./replica-proposal.ts";
import { limit, noHistory, type ScalingHistory, type Verdict, withChange } from "./scaling-limits.ts";
import { type PodUsage, UsageSamples } from "./usage-samples.ts";

// `--horizontal-pod-autoscaler-sync-period` of kube-controller-manager.
const syncSeconds = 15;
const firstLookSeconds = 1;

/** What a pass has found and means to do. */
interface Decision {
  readonly desired: number;
  /** Why the number is to be changed. */
  readonly reason: string;
  readonly metrics: readonly MetricStatus[] | null;
}

/** What a pass writes, as it is found out. */
class Draft {
  #conditions: readonly Condition[];
  readonly #now: Instant;

  constructor(conditions: readonly Condition[], now: Instant) {
    this.#conditions = conditions;
    this.#now = now;
  }

  get conditions(): readonly Condition[] {
    return this.#conditions;
  }

  set(type: "AbleToScale" | "ScalingActive" | "ScalingLimited", verdict: Verdict): void {
    const known = this.#conditions.find((condition) => condition.type === type);
    const lastTransitionTime =
      known?.status === verdict.status
        ? (known.lastTransitionTime ?? formatTime(this.#now))
        : formatTime(this.#now);
    const condition = { type, ...verdict, lastTransitionTime };
    this.#conditions =
      known === undefined
        ? [...this.#conditions, condition]
        : this.#conditions.map((one) => (one === known ? condition : one));
  }
}

/** Sizes what HorizontalPodAutoscalers name, by what its pods use. Reasons and texts are Kubernetes' own. */
export class AutoscalerController implements WorkloadController {
  readonly #options: WorkloadOptions;
  readonly #loop: ControlLoop<HorizontalPodAutoscaler>;
  readonly #samples: UsageSamples | undefined;
  readonly #histories = new Map<string, ScalingHistory>();

  constructor(options: WorkloadOptions) {
    this.#options = options;
    const { usage, clock } = options;
    this.#samples = usage === undefined ? undefined : new UsageSamples(usage, clock);
    this.#loop = new ControlLoop(options, {
      resource: resources.horizontalPodAutoscalers,
      cache: options.caches.horizontalPodAutoscalers,
      component: "horizontal-pod-autoscaler",
      sync: (autoscaler) => this.#sync(autoscaler),
    });
    this.#loop.onGone(({ metadata }) => this.#histories.delete(metadata.uid ?? ""));
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #sync(autoscaler: HorizontalPodAutoscaler): Promise<Instant | undefined> {
    if (autoscaler.metadata.deletionTimestamp !== undefined) return undefined;
    const now = this.#loop.clock.now();
    const usage = await this.#usage();
    // What is used of the CPU shows in two looks.
    if (usage === undefined) return later(now, firstLookSeconds);
    const draft = new Draft(autoscaler.status?.conditions ?? [], now);
    const target = await this.#target(autoscaler, draft);
    const { currentReplicas, ...before } = autoscaler.status ?? { desiredReplicas: 0, currentMetrics: null };
    if (target === undefined)
      await this.#loop.writeStatus(autoscaler, {
        ...before,
        ...(currentReplicas === undefined ? {} : { currentReplicas }),
        conditions: draft.conditions,
      });
    else {
      const change = await this.#fit(autoscaler, target, usage, draft);
      await this.#loop.writeStatus(autoscaler, { ...before, ...change, conditions: draft.conditions });
    }
    return later(now, syncSeconds);
  }

  /** Why nothing can be measured, as an error; undefined when it will show at the next look. */
  async #usage(): Promise<ReadonlyMap<string, PodUsage> | NoProposal | undefined> {
    const failure = (why: string) =>
      new NoProposal(`unable to fetch metrics from resource metrics API: ${why}`);
    if (this.#samples === undefined)
      return failure("the server could not find the requested resource (get pods.metrics.k8s.io)");
    try {
      return await this.#samples.usage();
    } catch (error) {
      return failure(error instanceof Error ? error.message : String(error));
    }
  }

  async #target(
    autoscaler: HorizontalPodAutoscaler,
    draft: Draft,
  ): Promise<{ readonly resource: Resource; readonly scale: Scale } | undefined> {
    const { apiVersion = "v1", kind, name } = autoscaler.spec.scaleTargetRef;
    const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
    const resource = this.#options.served.resourceOf(apiVersion, kind);
    try {
      if (resource === undefined)
        throw new ApiError("notFound", `no matches for kind "${kind}" in group "${group}"`);
      const path = pathOf(resource, autoscaler.metadata.namespace, name, "scale");
      const scale = (await this.#options.client.raw({ method: "GET", path })) as Scale;
      draft.set("AbleToScale", {
        status: "True",
        reason: "SucceededGetScale",
        message: "the HPA controller was able to get the target's current scale",
      });
      return { resource, scale };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#loop.tell(autoscaler, "Warning", "FailedGetScale", error.message);
      draft.set("AbleToScale", {
        status: "False",
        reason: "FailedGetScale",
        message: `the HPA controller was unable to get the target's current scale: ${error.message}`,
      });
      return undefined;
    }
  }

  /** Changes the number if it has to be; answers what of the status is to be said. */
  async #fit(
    autoscaler: HorizontalPodAutoscaler,
    { resource, scale }: { readonly resource: Resource; readonly scale: Scale },
    usage: ReadonlyMap<string, PodUsage> | NoProposal,
    draft: Draft,
  ): Promise<Partial<AutoscalerStatus>> {
    const current = scale.spec.replicas ?? 0;
    const decision = await this.#decide(autoscaler, scale, usage, draft);
    const { desired, metrics, reason } = decision;
    const counts = { ...(current === 0 ? {} : { currentReplicas: current }), currentMetrics: metrics };
    if (desired === undefined) return counts;
    if (desired === current) return { ...counts, desiredReplicas: current };
    const body = { ...scale, spec: { replicas: desired } };
    const { namespace, name, uid = "" } = autoscaler.metadata;
    const path = pathOf(resource, namespace, autoscaler.spec.scaleTargetRef.name, "scale");
    try {
      await this.#options.client.raw({ method: "PUT", path, body });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const text = `New size: ${desired}; reason: ${reason}; error: ${error.message}`;
      this.#loop.tell(autoscaler, "Warning", "FailedRescale", text);
      draft.set("AbleToScale", {
        status: "False",
        reason: "FailedUpdateScale",
        message: `the HPA controller was unable to update the target scale: ${error.message}`,
      });
      this.#options.onProblem(`HorizontalPodAutoscaler ${namespace}/${name}: ${error.message}`);
      return counts;
    }
    draft.set("AbleToScale", {
      status: "True",
      reason: "SucceededRescale",
      message: `the HPA controller was able to update the target scale to ${desired}`,
    });
    this.#loop.tell(autoscaler, "Normal", "SuccessfulRescale", `New size: ${desired}; reason: ${reason}`);
    const now = this.#loop.clock.now();
    const history = this.#histories.get(uid) ?? noHistory;
    this.#histories.set(uid, withChange(history, current, desired, now));
    return { ...counts, desiredReplicas: desired, lastScaleTime: formatTime(now) };
  }

  /** `desired` is undefined when no number can be told. */
  async #decide(
    autoscaler: HorizontalPodAutoscaler,
    scale: Scale,
    usage: ReadonlyMap<string, PodUsage> | NoProposal,
    draft: Draft,
  ): Promise<Omit<Decision, "desired"> & { readonly desired: number | undefined }> {
    const { minReplicas = 1, maxReplicas } = autoscaler.spec;
    const current = scale.spec.replicas ?? 0;
    const kept = autoscaler.status?.currentMetrics ?? null;
    if (current === 0 && minReplicas !== 0) {
      draft.set("ScalingActive", {
        status: "False",
        reason: "ScalingDisabled",
        message: "scaling is disabled since the replica count of the target is zero",
      });
      return { desired: 0, reason: "", metrics: null };
    }
    if (current > maxReplicas)
      return {
        desired: maxReplicas,
        reason: "Current number of replicas above Spec.MaxReplicas",
        metrics: kept,
      };
    if (current < minReplicas)
      return {
        desired: minReplicas,
        reason: "Current number of replicas below Spec.MinReplicas",
        metrics: kept,
      };
    const evaluated = await this.#evaluate(autoscaler, scale, usage, draft);
    const metrics = evaluated.map((one) => (one.is === "measured" ? one.status : { type: "" }));
    const best = this.#best(autoscaler, evaluated, current, draft);
    if (best === undefined) return { desired: undefined, reason: "", metrics };
    const { uid = "" } = autoscaler.metadata;
    const limited = limit(
      autoscaler.spec,
      current,
      best.replicas,
      this.#histories.get(uid) ?? noHistory,
      this.#loop.clock.now(),
    );
    this.#histories.set(uid, limited.history);
    draft.set("AbleToScale", limited.ableToScale);
    draft.set("ScalingLimited", limited.scalingLimited);
    const reason = limited.replicas > current ? `${best.name} above target` : "All metrics below target";
    return { desired: limited.replicas, reason, metrics };
  }

  async #evaluate(
    autoscaler: HorizontalPodAutoscaler,
    scale: Scale,
    usage: ReadonlyMap<string, PodUsage> | NoProposal,
    draft: Draft,
  ): Promise<readonly Evaluated[]> {
    const { namespace = "" } = autoscaler.metadata;
    const labelSelector = scale.status?.selector ?? "";
    if (labelSelector === "") {
      this.#loop.tell(autoscaler, "Warning", "SelectorRequired", "selector is required");
      draft.set("ScalingActive", {
        status: "False",
        reason: "InvalidSelector",
        message: "the HPA target's scale is missing a selector",
      });
      return [];
    }
    const { items: pods } = await this.#options.client.list<Pod & KubernetesObject>(resources.pods, {
      namespace,
      labelSelector,
    });
    const propose = (measured: Measured): Proposal => {
      if (usage instanceof NoProposal)
        throw new NoProposal(`unable to get metrics for resource ${measured.name}: ${usage.message}`);
      return proposeReplicas(measured, scale.spec.replicas ?? 0, pods, usage, this.#loop.clock.now());
    };
    return (autoscaler.spec.metrics ?? []).map((spec) => evaluate(spec, namespace, propose));
  }

  /** The metric that asks for most. Nothing is made smaller while one of them is not known. */
  #best(
    autoscaler: HorizontalPodAutoscaler,
    evaluated: readonly Evaluated[],
    current: number,
    draft: Draft,
  ): { readonly replicas: number; readonly name: string } | undefined {
    const unknown = evaluated.filter((one) => one.is === "unknown");
    for (const { reason, message } of unknown) this.#loop.tell(autoscaler, "Warning", reason, message);
    const [best] = evaluated
      .filter((one) => one.is === "measured")
      .toSorted((a, b) => b.replicas - a.replicas);
    const [first] = unknown;
    if (first !== undefined && (best === undefined || best.replicas < current)) {
      const sum = `invalid metrics (${unknown.length} invalid out of ${evaluated.length}), first error is: ${first.inSum}`;
      this.#loop.tell(autoscaler, "Warning", "FailedComputeMetricsReplicas", sum);
      draft.set("ScalingActive", {
        status: "False",
        reason: first.reason,
        message: `the HPA was unable to compute the replica count: ${first.message}`,
      });
      return undefined;
    }
    if (best === undefined) return undefined;
    draft.set("ScalingActive", {
      status: "True",
      reason: "ValidMetricFound",
      message: `the HPA was able to successfully calculate a replica count from ${best.name}`,
    });
    return best;
  }
}
