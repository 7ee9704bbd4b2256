import type { Cancel, Clock, Instant } from "../../../time/clock.ts";
import { instant, later } from "../../../time/clock.ts";

/** What goes on with one client connection at the moment. */
export interface Session {
  /** What it was led by when it came; its label is for people. */
  readonly routes: { readonly label: string };
  /** When `expire` is to be called; `never` for a phase without a limit. */
  readonly deadlineAt: Instant;
  /** The address of the pod that no new request goes to any more, but that this client stays with until the connection ends. */
  readonly staysWith?: string | undefined;
  expire(): void;
  /** Comes to an end as soon as nothing is in flight. */
  drain(): void;
  destroy(): void;
}

export const never: Instant = instant(Number.POSITIVE_INFINITY);

const sweepSeconds = 0.5;

/** All open client connections. One timer looks after all their deadlines: a timer for each request would cost more. */
export class Sessions {
  readonly clock: Clock;
  /** The time at the last sweep: exact enough for limits of seconds, and free to read. */
  now: Instant;
  #isDraining = false;
  readonly #open = new Set<Session>();
  readonly #sweeps = new Set<(now: Instant) => void>();
  #cancelSweep: Cancel;
  #whenEmpty: (() => void) | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
    this.now = clock.now();
    this.#cancelSweep = this.#scheduleSweep();
  }

  /** True once the process is stopping: what is answered now is the last answer on its connection. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  add(session: Session): void {
    this.#open.add(session);
  }

  remove(session: Session): void {
    this.#open.delete(session);
    if (this.#open.size === 0) this.#whenEmpty?.();
  }

  /** Calls `sweep` with every look at the deadlines. */
  onSweep(sweep: (now: Instant) => void): Cancel {
    this.#sweeps.add(sweep);
    return () => this.#sweeps.delete(sweep);
  }

  /** Lets the sessions of one port come to their end. */
  drainRoute(routes: Session["routes"]): void {
    for (const session of this.#open) if (session.routes === routes) session.drain();
  }

  /** How many connections (WebSocket, raw protocols) have outlived a switch, by address of the pod. */
  staying(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { staysWith } of this.#open)
      if (staysWith !== undefined) counts.set(staysWith, (counts.get(staysWith) ?? 0) + 1);
    return counts;
  }

  /** Lets what is in flight finish for at most `graceSeconds`, then closes everything. */
  async stop(graceSeconds: number): Promise<void> {
    this.#isDraining = true;
    for (const session of this.#open) session.drain();
    if (this.#open.size > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.clock.at(later(this.clock.now(), graceSeconds), resolve);
        this.#whenEmpty = () => {
          cancel();
          resolve();
        };
      });
    }
    this.#cancelSweep();
    for (const session of this.#open) session.destroy();
  }

  #scheduleSweep(): Cancel {
    return this.clock.at(later(this.clock.now(), sweepSeconds), () => {
      this.#cancelSweep = this.#scheduleSweep();
      this.now = this.clock.now();
      for (const session of this.#open) if (session.deadlineAt <= this.now) session.expire();
      for (const sweep of this.#sweeps) sweep(this.now);
    });
  }
}
