import type { Pod, ReplicaSet } from "../../../api/core.ts";
import { selects } from "../../../api/label-selector.ts";
import { controllerOf, keyOf } from "../../../api/metadata.ts";
import { resources } from "../../../api/resources.ts";
import { ApiError, unlessGone } from "../../../kubernetes/errors.ts";
import type { Change } from "../../../kubernetes/watch-cache.ts";
import type { Cancel, Instant } from "../../../time/clock.ts";
import { byController, withoutController } from "../caches.ts";
import { ControlLoop } from "../control-loop.ts";
import { claim } from "../ownership.ts";
import { isFinished } from "../pods.ts";
import type { WorkloadController, WorkloadOptions } from "../workload-controller.ts";
import { boundsOf, type Deployment, isRolling, type Revisions, replicasOf } from "./deployment.ts";
import {
  deploymentStatus,
  hasDeadline,
  isComplete,
  type ProgressNews,
  progressingOf,
} from "./deployment-status.ts";
import { replicaSetOf } from "./replica-set-of.ts";
import {
  currentAnnotations,
  isOfTemplate,
  revisionAnnotation,
  revisionOf,
  revisionsOf,
  scaleAnnotations,
} from "./revisions.ts";
import { currentSize, emptied, isResized, resized, type Sizing, shrunk } from "./sizes.ts";
import { templateHash } from "./template-hash.ts";

/** How a pass over a Deployment went. */
interface Pass {
  readonly revisions: Revisions;
  readonly news?: ProgressNews | undefined;
  readonly isRollingOut: boolean;
  /** Set when the name of the next ReplicaSet was taken; the pass is to be done again with another. */
  readonly collisionCount?: number;
  /** Thrown once the status is written. */
  readonly failure?: unknown;
}

/** Moves each Deployment to its template by the sizes of one ReplicaSet for each template that it has had. */
export class DeploymentController implements WorkloadController {
  readonly #options: WorkloadOptions;
  readonly #loop: ControlLoop<Deployment>;
  #subscriptions: readonly Cancel[] = [];

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#loop = new ControlLoop(options, {
      resource: resources.deployments,
      cache: options.caches.deployments,
      component: "deployment-controller",
      sync: (deployment) => this.#sync(deployment),
    });
  }

  start(): void {
    const { replicaSets, pods } = this.#options.caches;
    this.#loop.start();
    this.#subscriptions = [
      replicaSets.subscribe((change) => this.#replicaSetChanged(change)),
      pods.subscribe((change) => this.#podChanged(change)),
    ];
  }

  async stop(): Promise<void> {
    for (const cancel of this.#subscriptions) cancel();
    await this.#loop.stop();
  }

  #replicaSetChanged({ type, object, previous }: Change<ReplicaSet>): void {
    for (const version of previous === undefined ? [object] : [previous, object]) {
      const owner = controllerOf(version);
      if (owner?.kind === "Deployment") this.#loop.wake(keyOf(version, owner.name));
    }
    if (type === "deleted" || controllerOf(object) !== undefined) return;
    for (const deployment of this.#loop.cache.list(object.metadata.namespace))
      if (selects(deployment.spec.selector, object.metadata.labels)) this.#loop.wake(keyOf(deployment));
  }

  /** Only one that replaces all its pods at once waits for the end of each. */
  #podChanged({ type, object: pod }: Change<Pod>): void {
    if (type !== "deleted" && !isFinished(pod)) return;
    const owner = controllerOf(pod);
    if (owner?.kind !== "ReplicaSet") return;
    const { replicaSets, deployments } = this.#options.caches;
    const replicaSet = replicaSets.get(pod.metadata.namespace ?? "", owner.name);
    const name = replicaSet === undefined ? undefined : controllerOf(replicaSet)?.name;
    if (name === undefined) return;
    const deployment = deployments.get(pod.metadata.namespace ?? "", name);
    if (deployment !== undefined && !isRolling(deployment)) this.#loop.wake(keyOf(deployment));
  }

  async #sync(deployment: Deployment): Promise<Instant | undefined> {
    const isGoing = deployment.metadata.deletionTimestamp !== undefined;
    if (!isGoing) await this.#claim(deployment);
    const replicaSets = this.#options.caches.replicaSets.by(byController, deployment.metadata.uid ?? "");
    const revisions = revisionsOf(deployment, replicaSets);
    const pass = isGoing ? { revisions, isRollingOut: false } : await this.#proceed(deployment, revisions);
    const { status, changesAt } = deploymentStatus({
      deployment,
      collisionCount: deployment.status?.collisionCount,
      news: undefined,
      ...pass,
      now: this.#loop.clock.now(),
    });
    const { current } = pass.revisions;
    const revision = current === undefined || isGoing ? undefined : String(revisionOf(current));
    const annotations = revision === undefined ? {} : { [revisionAnnotation]: revision };
    await this.#loop.writeStatus(deployment, status, annotations);
    if ("failure" in pass) throw pass.failure;
    if (!isGoing && (deployment.spec.paused === true || isComplete(deployment, status)))
      await this.#forgetOld(deployment, pass.revisions);
    return "collisionCount" in pass ? this.#loop.clock.now() : changesAt;
  }

  async #claim(deployment: Deployment): Promise<void> {
    const { client, caches } = this.#options;
    const { uid = "", namespace = "" } = deployment.metadata;
    await claim<ReplicaSet>({
      client,
      owner: deployment,
      ownerResource: resources.deployments,
      resource: resources.replicaSets,
      owned: caches.replicaSets.by(byController, uid),
      orphans: caches.replicaSets
        .by(withoutController, namespace)
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined),
      takes: ({ metadata }) => selects(deployment.spec.selector, metadata.labels),
    });
  }

  async #proceed(deployment: Deployment, found: Revisions): Promise<Pass> {
    const revisions = await this.#annotate(deployment, found);
    const pauseNews = pauseNewsOf(deployment);
    if (deployment.spec.paused === true || isResized(deployment, revisions)) {
      const after = await this.#resize(deployment, revisions, resized(deployment, revisions));
      return { revisions: after, news: pauseNews, isRollingOut: false };
    }
    if (!isRolling(deployment)) {
      const after = await this.#resize(deployment, revisions, emptied(revisions));
      if (after !== revisions || this.#hasPods(revisions.old))
        return { revisions: after, news: pauseNews, isRollingOut: true };
    }
    if (revisions.current === undefined) return await this.#create(deployment, revisions);
    const { current } = revisions;
    const news = pauseNews ?? foundNews(deployment, current);
    const grown = await this.#resize(deployment, revisions, [
      { replicaSet: current, size: currentSize(deployment, revisions) },
    ]);
    const after =
      grown === revisions && isRolling(deployment)
        ? await this.#resize(deployment, revisions, shrunk(deployment, revisions))
        : grown;
    return { revisions: after, news, isRollingOut: true };
  }

  /** Puts on the ReplicaSet of the template what is to be known of it. */
  async #annotate(deployment: Deployment, revisions: Revisions): Promise<Revisions> {
    const { current, old } = revisions;
    if (current === undefined) return revisions;
    // A paused Deployment numbers nothing; its ReplicaSet becomes the newest when it goes on.
    if (deployment.spec.paused === true) return revisions;
    const annotations = currentAnnotations(deployment, revisions);
    const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
    const present = current.metadata.annotations ?? {};
    const isAnnotated = Object.entries(annotations).every(([key, value]) => present[key] === value);
    const isUsual = (current.spec.minReadySeconds ?? 0) === minReadySeconds;
    if (isAnnotated && isUsual) return revisions;
    const updated = await this.#patch(current, {
      ...(isAnnotated ? {} : { metadata: { annotations } }),
      ...(isUsual ? {} : { spec: { minReadySeconds } }),
    });
    return { current: updated, old };
  }

  /** Sets sizes, and notes for how many replicas they were set. Answers the same revisions when there was nothing to do. */
  async #resize(
    deployment: Deployment,
    revisions: Revisions,
    sizings: readonly Sizing[],
  ): Promise<Revisions> {
    const annotations = scaleAnnotations(replicasOf(deployment), boundsOf(deployment).most);
    let { current, old } = revisions;
    let hasChanged = false;
    for (const { replicaSet, size } of sizings) {
      const before = replicasOf(replicaSet);
      const present = replicaSet.metadata.annotations ?? {};
      const isNoted = Object.entries(annotations).every(([key, value]) => present[key] === value);
      if (size === before && isNoted) continue;
      const updated = await this.#patch(replicaSet, {
        metadata: { annotations },
        ...(size === before ? {} : { spec: { replicas: size } }),
      });
      hasChanged ||= size !== before;
      if (size !== before) this.#tellScaled(deployment, replicaSet.metadata.name, before, size);
      if (replicaSet === current) current = updated;
      else old = old.map((one) => (one === replicaSet ? updated : one));
    }
    return hasChanged ? { current, old } : revisions;
  }

  #tellScaled(deployment: Deployment, name: string, from: number, to: number): void {
    const direction = to > from ? "up" : "down";
    const message = `Scaled ${direction} replica set ${name} from ${from} to ${to}`;
    this.#loop.tell(deployment, "Normal", "ScalingReplicaSet", message);
  }

  async #patch(replicaSet: ReplicaSet, change: object): Promise<ReplicaSet> {
    const { namespace, name, uid, resourceVersion } = replicaSet.metadata;
    const { metadata = {}, ...rest } = change as { metadata?: object };
    const body = { metadata: { uid, resourceVersion, ...metadata }, ...rest };
    return await this.#options.client.patch<ReplicaSet>(resources.replicaSets, namespace, name, {
      type: "merge",
      body,
    });
  }

  async #create(deployment: Deployment, revisions: Revisions): Promise<Pass> {
    const { name: deploymentName, namespace } = deployment.metadata;
    const { collisionCount } = deployment.status ?? {};
    const hash = templateHash(deployment.spec.template, collisionCount);
    const name = `${deploymentName}-${hash}`;
    const size = currentSize(deployment, revisions);
    const wanted = replicaSetOf(deployment, revisions, { name, hash, size });
    const base = { revisions, isRollingOut: true };
    let current: ReplicaSet;
    try {
      current = await this.#options.client.create<ReplicaSet>(resources.replicaSets, namespace, wanted);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.kind === "alreadyExists") return await this.#meetTaken(deployment, base, name);
      const { message } = error;
      const text = `Failed to create new replica set "${name}": ${message}`;
      this.#loop.tell(deployment, "Warning", "ReplicaSetCreateError", text);
      return { ...base, news: { is: "creationFailed", name, message }, failure: error };
    }
    if (size > 0) this.#tellScaled(deployment, name, 0, size);
    return {
      ...base,
      revisions: { ...revisions, current },
      news: { is: "created", replicaSet: current },
    };
  }

  /** The name is taken: by this very ReplicaSet, which the cache does not show yet, or by another template. */
  async #meetTaken(deployment: Deployment, base: Pass, name: string): Promise<Pass> {
    const { namespace, uid } = deployment.metadata;
    const found = await this.#options.client
      .get<ReplicaSet>(resources.replicaSets, namespace, name)
      .catch(unlessGone);
    if (found === undefined) return base;
    if (controllerOf(found)?.uid === uid && isOfTemplate(found.spec.template, deployment.spec.template))
      return { ...base, revisions: { ...base.revisions, current: found } };
    return { ...base, collisionCount: (deployment.status?.collisionCount ?? 0) + 1 };
  }

  #hasPods(replicaSets: readonly ReplicaSet[]): boolean {
    return replicaSets.some(({ metadata }) =>
      this.#options.caches.pods.by(byController, metadata.uid ?? "").some((pod) => !isFinished(pod)),
    );
  }

  /** Deletes the oldest of the empty ReplicaSets beyond those that are kept to go back to. */
  async #forgetOld(deployment: Deployment, { old }: Revisions): Promise<void> {
    const limit = deployment.spec.revisionHistoryLimit ?? 10;
    const kept = old.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const surplus = kept
      .toSorted((a, b) => revisionOf(a) - revisionOf(b))
      .slice(0, Math.max(0, kept.length - limit))
      .filter(isAtRest);
    for (const { metadata } of surplus) {
      const { namespace, name, uid } = metadata;
      await this.#options.client
        .delete(resources.replicaSets, namespace, name, { uid, propagationPolicy: "Background" })
        .catch(unlessGone);
    }
  }
}

function isAtRest({ metadata, spec, status }: ReplicaSet): boolean {
  const isSeen = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  return isSeen && (spec.replicas ?? 1) === 0 && (status?.replicas ?? 0) === 0;
}

/** What is told at the moment in which somebody pauses or resumes; a deadline that has passed stays told. */
function pauseNewsOf(deployment: Deployment): ProgressNews | undefined {
  const known = progressingOf(deployment.status?.conditions);
  if (!hasDeadline(deployment) || known?.reason === "ProgressDeadlineExceeded") return undefined;
  const isToldPaused = known?.reason === "DeploymentPaused";
  if (deployment.spec.paused === true) return isToldPaused ? undefined : { is: "paused" };
  return isToldPaused ? { is: "resumed" } : undefined;
}

function foundNews(deployment: Deployment, current: ReplicaSet): ProgressNews | undefined {
  return progressingOf(deployment.status?.conditions) === undefined
    ? { is: "found", replicaSet: current }
    : undefined;
}
