import type { ReplicaSet, Service } from "../../src/api/core.ts";
import { managedByAnnotation, podTemplateHashLabel } from "../../src/api/names.ts";
import type { Rollout, RolloutStatus } from "../../src/api/rollout.ts";
import { strategyOf } from "../../src/api/strategy.ts";
import type { Store } from "../../src/cluster/store/store.ts";
import type { ApiRequest, ApiResponse } from "../../src/kubernetes/transport.ts";
import { type Cancel, type Clock, type Instant, later } from "../../src/time/clock.ts";
import { Ledger } from "./ledger.ts";
import { hashIn, Truth, versionIn } from "./truth.ts";

export interface Violation {
  /** The rule. */
  readonly rule: string;
  readonly at: Instant;
  readonly what: string;
}

// Longer than the longest wait between two attempts of a controller.
const longestTroubleSeconds = 65;

/** Looks at every write of the controller, with all the truth there is, and notes what must never happen. */
export class Judge {
  readonly violations: Violation[] = [];
  readonly truth: Truth;
  readonly #clock: Clock;
  readonly #names: readonly string[];
  readonly #ledgers = new Map<string, Ledger>();
  readonly #troubledSince = new Map<string, Instant>();
  readonly #listening: readonly Cancel[];
  #isControllerWriting = false;

  constructor(store: Store, clock: Clock, names: readonly string[]) {
    this.truth = new Truth(store);
    this.#clock = clock;
    this.#names = names;
    const look = (): void => this.#look();
    this.#listening = [
      this.truth.listen("rollouts", ({ type, object, previous }) => {
        // The collection holds Rollouts only.
        if (type !== "DELETED") this.#rolloutChanged(object as Rollout, previous as Rollout | undefined);
      }),
      this.truth.listen("services", ({ object, previous }) => {
        this.#serviceChanged(object as Service, previous as Service | undefined);
        look();
      }),
      this.truth.listen("endpointSlices", look),
      this.truth.listen("replicaSets", look),
      this.truth.listen("pods", look),
    ];
  }

  stop(): void {
    for (const cancel of this.#listening) cancel();
  }

  /** Of a controller's write. */
  async write(request: ApiRequest, carryOut: () => Promise<ApiResponse>): Promise<ApiResponse> {
    const verdict = this.#verdict(request);
    // The API server writes within this call.
    this.#isControllerWriting = true;
    const answer = carryOut();
    this.#isControllerWriting = false;
    const response = await answer;
    if (response.code < 300) this.violations.push(...verdict);
    return response;
  }

  /** To be called as time passes. `calmSince`: since when nothing keeps the controller from its work. */
  tick(calmSince: Instant | undefined): void {
    const now = this.#clock.now();
    for (const name of this.#names) {
      const rollout = this.truth.rollout(name);
      const words = calmSince === undefined || rollout === undefined ? [] : this.#troubles(rollout);
      for (const [rule, what] of words) {
        const since = this.#troubledSince.get(`${name} ${rule}`) ?? now;
        this.#troubledSince.set(`${name} ${rule}`, since);
        const from = Math.max(since, calmSince ?? now) as Instant;
        if (now > later(from, longestTroubleSeconds)) this.violations.push({ rule, at: now, what });
      }
      for (const rule of ["users are served", "an abort leads back"])
        if (!words.some(([troubled]) => troubled === rule)) this.#troubledSince.delete(`${name} ${rule}`);
    }
  }

  /** What must not stay so. */
  #troubles(rollout: Rollout): readonly Words[] {
    const { name, deletionTimestamp } = rollout.metadata;
    const { replicas = 1, paused = false } = rollout.spec;
    const service = rollout.spec.strategy?.blueGreen?.activeService ?? "";
    const stable = this.#ledgers.get(name)?.stable;
    const isOurs = this.truth.service(service)?.metadata.annotations?.[managedByAnnotation] === name;
    if (deletionTimestamp !== undefined || paused || replicas === 0 || !isOurs) return [];
    const ready = this.truth.readyPods(this.truth.ofVersion(rollout, stable));
    if (stable === undefined || ready === 0) return [];
    const isAborted = rollout.status?.abort === true && this.truth.selected(rollout, service) !== stable;
    return [
      ...(this.truth.reached(rollout, service).size === 0
        ? [
            [
              "users are served",
              `nobody is reached, while ${stable}, the stable version, has ready pods`,
            ] as const,
          ]
        : []),
      ...(isAborted && ready >= replicas
        ? [["an abort leads back", `${service} does not lead to ${stable}, the stable version`] as const]
        : []),
    ];
  }

  #rolloutChanged(rollout: Rollout, before: Rollout | undefined): void {
    const { name, uid } = rollout.metadata;
    const known = this.#ledgers.get(name);
    const ledger =
      known !== undefined && known.uid === uid
        ? known
        : new Ledger(rollout, this.truth, known, this.#clock.now());
    this.#ledgers.set(name, ledger);
    ledger.changed(rollout, before, this.#isControllerWriting, this.#clock.now());
    const { stableRS } = rollout.status ?? {};
    if (this.#isControllerWriting && stableRS !== before?.status?.stableRS) {
      const version = this.truth.versionOfHash(rollout, stableRS);
      if (version !== undefined) ledger.becameStable(version);
    }
  }

  #serviceChanged(service: Service, before: Service | undefined): void {
    if (this.#isControllerWriting || (before !== undefined && hashIn(service) === hashIn(before))) return;
    for (const ledger of this.#ledgers.values()) ledger.serviceChangedByHand(this.#clock.now());
  }

  #look(): void {
    for (const [name, ledger] of this.#ledgers) {
      const rollout = this.truth.rollout(name);
      if (rollout !== undefined) ledger.looked(rollout, this.#clock.now());
    }
  }

  #verdict({ method, path, body }: ApiRequest): readonly Violation[] {
    const [, plural = "", name = "", subresource = ""] =
      /\/namespaces\/[^/]+\/([^/]+)\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
    const words = this.#judge(method, plural, name, subresource, (body ?? {}) as Body);
    return words.map(([rule, what]) => ({ rule, what, at: this.#clock.now() }));
  }

  #judge(method: string, plural: string, name: string, subresource: string, body: Body): readonly Words[] {
    if (plural === "services" && method === "PATCH") {
      const hash = body.spec?.selector?.[podTemplateHashLabel];
      return typeof hash === "string" ? this.#judgeSwitch(name, hash) : [];
    }
    if (plural === "replicasets" && (method === "PATCH" || method === "DELETE")) {
      const to = method === "DELETE" ? 0 : body.spec?.replicas;
      return to === undefined ? [] : this.#judgeSize(name, to);
    }
    if (plural === "rollouts" && subresource === "status") return this.#judgeStatus(name, body.status ?? {});
    return [];
  }

  /** The active Service is sent only to a version that may go live and can serve. */
  #judgeSwitch(service: string, hash: string): readonly Words[] {
    const now = this.#clock.now();
    return this.#all().flatMap(([rollout, ledger]): readonly Words[] => {
      if (rollout.spec.strategy?.blueGreen?.activeService !== service) return [];
      const version = this.truth.versionOfHash(rollout, hash);
      if (version === undefined) return [];
      const found: Words[] = [];
      if (ledger.permission(rollout, version, now) === undefined)
        found.push(["gate", `${version} goes live, which nobody has allowed`]);
      const better = this.truth
        .replicaSets(rollout)
        .find((one) => versionIn(one.spec.template) !== version && this.truth.readyPods(one) > 0);
      const isRepair = hashIn(this.truth.service(service)) === undefined && version === ledger.stable;
      // Counts that tell of another generation excuse nothing.
      const target = this.truth.ofVersion(rollout, version);
      const isObserved = (target?.status?.observedGeneration ?? 0) >= (target?.metadata.generation ?? 0);
      const serves = this.truth.readyPods(target) > 0 || (isObserved && ledger.wasReadyLately(version, now));
      const isEmpty = ledger.smallestSize(rollout) === 0;
      if (better !== undefined && !serves && !isRepair && !isEmpty)
        found.push([
          "users are served",
          `${service} is sent to ${version}, which has no ready pod, while ${versionIn(better.spec.template)} has some`,
        ]);
      return found;
    });
  }

  /** What users reach keeps its pods, and what they have left keeps them for its delay. */
  #judgeSize(name: string, to: number): readonly Words[] {
    const now = this.#clock.now();
    const replicaSet = this.truth.replicaSet(name);
    const owner = this.#all().find(([rollout]) =>
      this.truth.replicaSets(rollout).some(({ metadata }) => metadata.name === name),
    );
    if (replicaSet === undefined || owner === undefined) return [];
    const [rollout, ledger] = owner;
    const version = versionIn(replicaSet.spec.template) ?? "";
    const size = replicaSet.spec.replicas ?? 0;
    const wanted = ledger.smallestSize(rollout);
    if (to >= Math.min(size, wanted)) return [];
    // Where somebody else has just changed the selector, users may be on a version before the controller knows.
    if (ledger.isReached(version) && !ledger.wasChangedByHandLately(now))
      return [["nobody is shrunk", `${version}, which users reach, goes from ${size} to ${to} of ${wanted}`]];
    return to === 0 ? this.#judgeDelay(rollout, ledger, replicaSet, version) : [];
  }

  #judgeDelay(rollout: Rollout, ledger: Ledger, replicaSet: ReplicaSet, version: string): readonly Words[] {
    const strategy = strategyOf(rollout);
    if (strategy.kind !== "blueGreen") return [];
    const { status = {} } = rollout;
    const others = this.truth
      .replicaSets(rollout)
      .filter(
        (one) =>
          (one.spec.replicas ?? 0) > 0 &&
          one.metadata.name !== replicaSet.metadata.name &&
          ![versionIn(rollout.spec.template), ledger.stable].includes(versionIn(one.spec.template)),
      );
    const isAborted = status.abort === true && version === versionIn(rollout.spec.template);
    const { scaleDownDelaySeconds, abortScaleDownDelaySeconds, scaleDownDelayRevisionLimit } = strategy;
    if (isAborted && abortScaleDownDelaySeconds === 0)
      return [
        ["no delay is cut short", `${version} was aborted and is to stay for ever, and is scaled down`],
      ];
    if (!isAborted && others.length + 1 > scaleDownDelayRevisionLimit) return [];
    // One that was aborted and then superseded may go by either delay.
    const delay = isAborted
      ? abortScaleDownDelaySeconds
      : Math.min(scaleDownDelaySeconds, abortScaleDownDelaySeconds || Number.POSITIVE_INFINITY);
    const missing = ledger.missingDelay(version, delay, this.#clock.now());
    if (missing <= 0) return [];
    return [
      [
        "no delay is cut short",
        `${version} is scaled down ${missing.toFixed(3)} s before its delay of ${delay} s`,
      ],
    ];
  }

  /** What is live is in the status when it is known, and only what may be. */
  #judgeStatus(name: string, status: RolloutStatus): readonly Words[] {
    const rollout = this.truth.rollout(name);
    const ledger = this.#ledgers.get(name);
    if (rollout === undefined || ledger === undefined) return [];
    const found: Words[] = [];
    const live = this.truth.versionOfHash(rollout, status.blueGreen?.activeSelector);
    if (live !== undefined && !ledger.wasRouted(live))
      found.push(["the status is true", `${live} is called live before requests were known to go there`]);
    const stable = this.truth.versionOfHash(rollout, status.stableRS);
    if (stable !== undefined && ledger.permission(rollout, stable, this.#clock.now()) === undefined)
      found.push(["gate", `${stable} becomes the stable version, which nobody has allowed`]);
    return found;
  }

  #all(): readonly (readonly [Rollout, Ledger])[] {
    return [...this.#ledgers].flatMap(([name, ledger]) => {
      const rollout = this.truth.rollout(name);
      return rollout === undefined ? [] : [[rollout, ledger] as const];
    });
  }
}

type Words = readonly [rule: string, what: string];

/** The fields of patches that are looked at. */
interface Body {
  readonly spec?: {
    readonly replicas?: number;
    readonly selector?: Readonly<Record<string, string | null>>;
  };
  readonly status?: RolloutStatus;
}
