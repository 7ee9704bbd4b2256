import type { RolloutPhase } from "../../src/api/rollout.ts";
import { rolloutCustomResourceDefinition } from "../../src/api/schema/rollout.ts";
import type { Planner } from "../../src/controller/rollouts.ts";
import { type Instant, later } from "../../src/time/clock.ts";
import { type Act, createService, promote, resume, retry, scale } from "../scenarios/bed/acts.ts";
import { ApplicationUnderTest } from "../scenarios/bed/application-under-test.ts";
import { servicesOf } from "../scenarios/bed/manifests.ts";
import { type Application, bareSetting, imageOf } from "../scenarios/bed/setting.ts";
import { TestCluster } from "../scenarios/bed/test-cluster.ts";
import { FaultyTransport } from "./faulty-transport.ts";
import { Judge, type Violation } from "./judge.ts";
import { mendSpec, perform } from "./perform.ts";
import { pictureOf, unrest } from "./rest.ts";
import { copyName, type Fault, isFault, type Story } from "./story.ts";

export interface Outcome {
  readonly violations: readonly Violation[];
  /** What showed of all Rollouts just before each deed, and in the end. */
  readonly pictures: readonly string[];
  readonly end: string;
  readonly writes: number;
  /** What the controller told. */
  readonly log: readonly string[];
}

export interface PlayOptions {
  /** With the story's faults, or with its deeds alone. */
  readonly faults: boolean;
  /** Another planner than Teal's. */
  readonly plan?: Planner | undefined;
}

const minute = 60;
const hour = 3600;
/** Longer than any backoff, delay, deadline and slow start in a story. */
const settling = 30 * minute;
/** What one moment of a story may cost; measured: 10 to 30. */
const writesPerMoment = 120;

/** Plays the story to its end, and on until all is at rest. */
export async function play(story: Story, { faults, plan }: PlayOptions): Promise<Outcome> {
  const stage = new Stage(story, plan);
  await stage.start();
  try {
    for (const { afterSeconds, to, what } of story.moments) {
      await stage.pass(afterSeconds, 1);
      if (!isFault(what)) await stage.do(to, (app) => perform(what, app));
      else if (faults) await stage.suffer(what);
    }
    await stage.calm();
    await stage.rest(story);
  } catch (error) {
    if (!(error instanceof EndlessWriting)) throw error;
    stage.note("no hot loop", "the controller writes without end");
  } finally {
    await stage.stop();
  }
  return stage.outcome();
}

class EndlessWriting extends Error {}

class Stage {
  readonly #cluster: TestCluster;
  readonly #judge: Judge;
  readonly #transport: FaultyTransport;
  readonly #applications: readonly Application[];
  readonly #routesAfterSeconds: number;
  readonly #pictures: string[] = [];
  readonly #further: Violation[] = [];
  #end = "";
  #startAt: Instant | undefined;
  #downSeconds = 0;
  #disturbedUntil: Instant;
  #recoveries: readonly { readonly at: Instant; readonly run: () => void }[] = [];

  constructor(story: Story, plan: Planner | undefined) {
    const { applications, dialect, readyAfterSeconds, routesAfterSeconds } = story;
    const behaviours = Object.entries(readyAfterSeconds).map(([version, seconds]) => ({
      image: imageOf("*", version),
      readyAfterSeconds: seconds,
    }));
    let transport: FaultyTransport | undefined;
    const disturb = (): FaultyTransport => {
      if (transport === undefined) throw new Error("the stage is not set");
      return transport;
    };
    const changes = { disturb, ...(plan === undefined ? {} : { plan }) };
    this.#cluster = new TestCluster(
      { ...bareSetting, applications, behaviours, routesAfterSeconds },
      dialect,
      changes,
    );
    const { store, clock, apiServer } = this.#cluster;
    this.#judge = new Judge(
      store,
      clock,
      applications.map(({ name }) => name),
    );
    transport = new FaultyTransport(apiServer, clock, (request, carryOut) =>
      this.#judge.write(request, carryOut),
    );
    this.#transport = transport;
    this.#applications = applications;
    this.#routesAfterSeconds = routesAfterSeconds;
    this.#disturbedUntil = clock.now();
  }

  async start(): Promise<void> {
    await this.#cluster.start(rolloutCustomResourceDefinition());
  }

  async stop(): Promise<void> {
    this.#transport.calm();
    await this.#cluster.stop();
    this.#judge.stop();
    const { pending } = this.#cluster.clock;
    if (pending > 0) this.note("nothing is left behind", `${pending} timers`);
  }

  outcome(): Outcome {
    const bugs = this.#cluster.log.filter((line) => line.includes("internal error"));
    for (const bug of new Set(bugs)) this.note("no bug of its own", bug.split("\n")[0] ?? "");
    return {
      violations: [...this.#judge.violations, ...this.#further],
      pictures: this.#pictures,
      end: this.#end,
      writes: this.#cluster.controllerWrites,
      log: this.#cluster.log,
    };
  }

  async pass(seconds: number, step: number): Promise<void> {
    const { clock } = this.#cluster;
    for (let rest = seconds; rest > 0; rest -= step) {
      await clock.advance(Math.min(rest, step));
      await this.#revive();
      this.#recover();
      this.#judge.tick(this.#calmSince());
      if (this.#cluster.controllerWroteWithoutEnd) throw new EndlessWriting();
    }
  }

  async do(to: string, act: (app: ApplicationUnderTest) => Promise<void>): Promise<void> {
    this.#pictures.push(this.#picture());
    await act(this.#app(to));
  }

  async suffer(fault: Fault): Promise<void> {
    const { clock } = this.#cluster;
    const lasts = "forSeconds" in fault ? fault.forSeconds : 0;
    const until = later(clock.now(), lasts + ("downSeconds" in fault ? fault.downSeconds : 0));
    if (until > this.#disturbedUntil) this.#disturbedUntil = until;
    switch (fault.fault) {
      case "kill":
        this.#downSeconds = fault.downSeconds;
        if (fault.afterWrites === 0) await this.#cluster.killController();
        else this.#cluster.killControllerAfter(fault.afterWrites);
        return;
      case "fail writes": {
        const { failure, after, times } = fault;
        this.#cluster.failWrites({ write: / /, failure, after, times });
        return;
      }
      case "late events":
        this.#transport.lateEvents(fault.of, fault.lateSeconds, fault.forSeconds);
        return;
      case "lost events":
        this.#transport.loseEvents(fault.of, fault.forSeconds);
        return;
      case "repeated events":
        this.#transport.repeatEvents(fault.of);
        return;
      case "broken watch":
        this.#transport.breakWatch(fault.of, fault.with);
        return;
      case "failing reads":
        this.#transport.failReads(fault.forSeconds);
        return;
      case "slow endpoints":
        this.#cluster.traffic.delaySeconds = fault.bySeconds;
        this.#recoverAt(until, () => {
          this.#cluster.traffic.confirmAll();
          this.#cluster.traffic.delaySeconds = this.#routesAfterSeconds;
        });
        return;
      case "slow statuses":
        this.#cluster.delayStatuses(fault.bySeconds);
        this.#recoverAt(until, () => this.#cluster.delayStatuses(0));
    }
  }

  /** All faults end; everything that is broken by hand is mended, and every pod is well. */
  async calm(): Promise<void> {
    this.#transport.calm();
    this.#cluster.failWrites({ write: / /, failure: "conflict", after: 0, times: 0 });
    this.#cluster.delayStatuses(0);
    this.#cluster.traffic.confirmAll();
    this.#cluster.driver.behave({});
    this.#downSeconds = 0;
    await this.#revive();
    for (const { name } of this.#applications) {
      const app = this.#app(name);
      for (const service of servicesOf(app.application))
        if (this.#judge.truth.service(service) === undefined) await createService(service)(app);
      if (this.#judge.truth.rollout(name) === undefined) await perform({ do: "deploy", version: "v1" }, app);
      const { spec } = await app.rollout();
      await mendSpec(app);
      if (spec.paused === true) await resume()(app);
      if (spec.replicas === 0) await scale(2)(app);
    }
  }

  async rest({ moments }: Story): Promise<void> {
    await this.pass(settling, minute);
    const { controllerWrites } = this.#cluster;
    await this.pass(hour, hour);
    if (this.#cluster.controllerWrites !== controllerWrites)
      this.note("rest is rest", `${this.#cluster.controllerWrites - controllerWrites} writes in an hour`);
    this.#end = this.#picture();
    this.#expectRest("comes to rest");
    // What waits for a person waits for nothing else.
    await this.#finish("Degraded", retry());
    await this.#finish("Paused", promote());
    this.#expectRest("can be finished");
    for (const { name } of this.#applications) {
      const picture = pictureOf(this.#judge.truth, await this.#app(name).rollout());
      if (!this.#isCopy(name) && picture.wanted !== picture.stable)
        this.note("can be finished", `${name} stays at ${JSON.stringify(picture)}`);
    }
    const most = writesPerMoment * (moments.length + 5);
    if (this.#cluster.controllerWrites > most)
      this.note("no hot loop", `${this.#cluster.controllerWrites} writes`);
  }

  async #finish(phase: RolloutPhase, act: Act): Promise<void> {
    const all = this.#applications
      .filter(({ name }) => !this.#isCopy(name))
      .map(({ name }) => this.#app(name));
    const waiting = all.filter(({ name }) => this.#judge.truth.rollout(name)?.status?.phase === phase);
    for (const app of waiting) await act(app);
    if (waiting.length > 0) await this.pass(settling, minute);
  }

  #expectRest(rule: string): void {
    const { truth } = this.#judge;
    for (const { name } of this.#applications) {
      const rollout = truth.rollout(name);
      if (rollout === undefined) this.note(rule, `${name} is gone`);
      else if (this.#isCopy(name)) {
        if (rollout.status?.phase !== "Degraded") this.note(rule, `${name} is not told that it is refused`);
      } else for (const what of unrest(truth, rollout)) this.note(rule, `${name}: ${what}`);
    }
  }

  #recoverAt(at: Instant, run: () => void): void {
    this.#recoveries = [...this.#recoveries, { at, run }];
  }

  #recover(): void {
    const now = this.#cluster.clock.now();
    for (const { run } of this.#recoveries.filter(({ at }) => at <= now)) run();
    this.#recoveries = this.#recoveries.filter(({ at }) => at > now);
  }

  async #revive(): Promise<void> {
    const { clock } = this.#cluster;
    if (!this.#cluster.isControllerDead) return;
    this.#startAt ??= later(clock.now(), this.#downSeconds);
    if (this.#startAt > clock.now()) return;
    this.#startAt = undefined;
    await this.#cluster.killController();
    await this.#cluster.startController();
  }

  #calmSince(): Instant | undefined {
    if (this.#cluster.isControllerDead) return undefined;
    return this.#disturbedUntil;
  }

  // Of two Rollouts that name one Service, the second is refused.
  #isCopy(name: string): boolean {
    return name === copyName;
  }

  #app(name: string): ApplicationUnderTest {
    return new ApplicationUnderTest(this.#cluster, this.#applications, name);
  }

  #picture(): string {
    const { truth } = this.#judge;
    return this.#applications
      .map(({ name }) => {
        const rollout = truth.rollout(name);
        return `${name}: ${rollout === undefined ? "none" : JSON.stringify(pictureOf(truth, rollout))}`;
      })
      .join("\n");
  }

  note(rule: string, what: string): void {
    this.#further.push({ rule, what, at: this.#cluster.clock.now() });
  }
}
