import type { Rollout } from "../../src/api/rollout.ts";
import { type BlueGreen, strategyOf } from "../../src/api/strategy.ts";
import { type Instant, instant, later } from "../../src/time/clock.ts";
import { type Truth, versionIn } from "./truth.ts";

/**
 * How old the controller's view of an object may be when it acts: as late as news come, and a restart in between. What was
 * right then is not held against it.
 */
export const excusableSeconds = 75;

/** What has happened to one Rollout so far, as far as rules depend on it. Versions are those of images. */
export class Ledger {
  readonly uid: string | undefined;
  /** The version that was rightly brought out last. */
  stable: string | undefined;
  readonly #truth: Truth;
  readonly #wasLive = new Set<string>();
  readonly #inherited = new Set<string>();
  /** The version whose update was aborted, until somebody tries again. */
  #aborted: string | undefined;
  /** Versions that may go live, and by whose word. */
  readonly #granted = new Map<string, string>();
  /** When the strategy last let the version pass without a pause. */
  readonly #freeAt = new Map<string, Instant>();
  readonly #pausedAt = new Map<string, Instant>();
  readonly #wantedAt = new Map<string, Instant>();
  readonly #reachedAt = new Map<string, Instant>();
  readonly #readyAt = new Map<string, Instant>();
  readonly #routed = new Set<string>();
  readonly #wasSelected = new Set<string>();
  #reached: ReadonlySet<string> = new Set();
  #ready: ReadonlySet<string> = new Set();
  #selected: string | undefined;
  #sizes: readonly { readonly at: Instant; readonly replicas: number }[] = [];
  #changedByHandAt: Instant;

  /** `former`: of the Rollout of that name that was there before, whose ReplicaSets this one may have taken over. */
  constructor(rollout: Rollout, truth: Truth, former: Ledger | undefined, now: Instant) {
    if (former !== undefined) {
      for (const version of [...former.#wasLive, ...former.#inherited]) this.#inherited.add(version);
      for (const version of former.#routed) this.#routed.add(version);
    }
    this.uid = rollout.metadata.uid;
    this.#truth = truth;
    // What it finds, others have left.
    this.#changedByHandAt = now;
    this.looked(rollout, now);
  }

  /** To be called with every change of the Rollout. */
  changed(rollout: Rollout, before: Rollout | undefined, byController: boolean, now: Instant): void {
    const version = versionIn(rollout.spec.template);
    const { status = {} } = rollout;
    this.#noteTime(before ?? rollout, now);
    this.#noteTime(rollout, now);
    this.#sizes = [
      ...this.#sizes.filter(({ at }) => later(at, excusableSeconds) > now).slice(-20),
      ...this.#sizes.slice(-1),
      { at: now, replicas: rollout.spec.replicas ?? 1 },
    ];
    const seen = this.#truth.versionOfHash(rollout, status.currentPodHash);
    if (version !== undefined && version !== versionIn(before?.spec.template)) {
      this.#aborted = undefined;
      this.#deployed(rollout, version);
    }
    for (const granted of this.#granted.keys())
      if (seen !== undefined && granted !== seen && granted !== version) this.#granted.delete(granted);
    const wasAborted = before?.status?.abort === true;
    if (status.abort === true && !wasAborted) {
      this.#granted.clear();
      this.#pausedAt.clear();
      this.#freeAt.clear();
      if (this.stable !== undefined && version !== this.stable) this.#aborted = version;
    }
    // Told to try again, or to forget: both look the same.
    const isTakenBack = status.abort === false || (wasAborted && status.abort !== true);
    if (isTakenBack && !byController) this.#aborted = undefined;
    const isPaused = (status.pauseConditions ?? []).length > 0;
    const wasPaused = (before?.status?.pauseConditions ?? []).length > 0;
    if (seen !== undefined && isPaused && !this.#pausedAt.has(seen)) this.#pausedAt.set(seen, now);
    if (byController || seen === undefined || seen !== version) return;
    if (wasPaused && !isPaused && status.controllerPause === true) this.#granted.set(seen, "promoted");
    if (status.promoteFull === true && before?.status?.promoteFull !== true)
      this.#granted.set(seen, "promoted in full");
  }

  /** To be called with every change of pods, Services and EndpointSlices. */
  looked(rollout: Rollout, now: Instant): void {
    const service = rollout.spec.strategy?.blueGreen?.activeService ?? "";
    // Who is reached because somebody else has changed the selector, or nobody has set it yet, is not needed longer for it.
    if (!this.wasChangedByHandLately(now))
      for (const version of this.#reached)
        if (this.#wasSelected.has(version)) this.#reachedAt.set(version, now);
    for (const version of this.#ready) this.#readyAt.set(version, now);
    this.#reached = this.#truth.reached(rollout, service);
    const all = this.#truth.replicaSets(rollout).filter((one) => this.#truth.readyPods(one) > 0);
    this.#ready = new Set(all.flatMap((one) => versionIn(one.spec.template) ?? []));
    const selected = this.#truth.selected(rollout, service);
    if (selected !== undefined && selected !== this.#selected) this.#routed.delete(selected);
    this.#selected = selected;
    if (selected !== undefined) this.#wasSelected.add(selected);
    if (selected !== undefined && this.#truth.isRouted(rollout, service, selected))
      this.#routed.add(selected);
  }

  /** Somebody else has written the Service's selector. */
  serviceChangedByHand(now: Instant): void {
    this.#changedByHandAt = now;
  }

  wasChangedByHandLately(now: Instant): boolean {
    return later(this.#changedByHandAt, excusableSeconds) > now;
  }

  becameStable(version: string): void {
    this.stable = version;
    this.#wasLive.add(version);
  }

  /** Why the version may go live now; undefined when nobody and nothing has allowed it. */
  permission(rollout: Rollout, version: string, now: Instant): string | undefined {
    if (this.#wasLive.size === 0) return "nothing has been live yet";
    if (version === this.stable) return "it is the stable version";
    if (version === this.#aborted) return undefined;
    const granted = this.#granted.get(version);
    if (granted !== undefined) return granted;
    const strategy = strategyOf(rollout);
    const isFree = strategy.kind === "blueGreen" && isWithoutPause(strategy);
    if (isFree && versionIn(rollout.spec.template) === version) return "no pause is asked for";
    const freeAt = this.#freeAt.get(version);
    if (freeAt !== undefined && later(freeAt, excusableSeconds) > now) return "no pause was asked for";
    const pausedAt = this.#pausedAt.get(version);
    if (strategy.kind === "blueGreen" && strategy.autoPromotionEnabled && pausedAt !== undefined) {
      if (later(pausedAt, strategy.autoPromotionSeconds) <= now) return "the pause is over";
    }
    return undefined;
  }

  isReached(version: string): boolean {
    return this.#reached.has(version) || this.#selected === version;
  }

  /** Whether requests were known to go to this version and no other since it was selected. */
  wasRouted(version: string): boolean {
    return this.#routed.has(version);
  }

  wasReadyLately(version: string, now: Instant): boolean {
    const at = this.#ready.has(version) ? now : this.#readyAt.get(version);
    // The time that a ReplicaSet's status and a controller's pass take.
    return at !== undefined && later(at, 6) > now;
  }

  /** The smallest size that somebody has wanted lately. */
  smallestSize(rollout: Rollout): number {
    return Math.min(rollout.spec.replicas ?? 1, ...this.#sizes.map(({ replicas }) => replicas));
  }

  /** When the version was wanted or reached by users last: delays count from there. */
  neededUntil(version: string): Instant {
    return instant(Math.max(this.#wantedAt.get(version) ?? 0, this.#reachedAt.get(version) ?? 0));
  }

  /** How many seconds of its delay were missing when the version lost its pods; 0 or less: none. */
  missingDelay(version: string, delaySeconds: number, now: Instant): number {
    const passed = (now - this.neededUntil(version)) / 1000;
    return delaySeconds - passed;
  }

  #deployed(rollout: Rollout, version: string): void {
    const { rollbackWindow } = rollout.spec;
    const size = this.#truth.ofVersion(rollout, version)?.spec.replicas ?? 0;
    const wasLive = this.#wasLive.has(version) || this.#inherited.has(version);
    if (wasLive && (size > 0 || rollbackWindow !== undefined))
      this.#granted.set(version, "it was live before");
  }

  #noteTime(rollout: Rollout, now: Instant): void {
    const version = versionIn(rollout.spec.template);
    const { status = {} } = rollout;
    const strategy = strategyOf(rollout);
    // A status that has lost the hash is still about this version.
    const about = this.#truth.versionOfHash(rollout, status.currentPodHash) ?? version;
    const isAborted = status.abort === true && about === version;
    if (version !== undefined && !isAborted) {
      this.#wantedAt.set(version, now);
      if (strategy.kind === "blueGreen" && isWithoutPause(strategy)) this.#freeAt.set(version, now);
    }
    if (this.stable !== undefined) this.#wantedAt.set(this.stable, now);
  }
}

function isWithoutPause({ autoPromotionEnabled, autoPromotionSeconds }: BlueGreen): boolean {
  return autoPromotionEnabled && autoPromotionSeconds === 0;
}
