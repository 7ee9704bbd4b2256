import { type Cancel, type Clock, type Instant, instant } from "./clock.ts";

// Node's timers take at most 2^31 - 1 milliseconds; a later instant is reached in several hops.
const longestTimer = 2 ** 31 - 1;

export class SystemClock implements Clock {
  now(): Instant {
    return instant(Date.now());
  }

  random(): number {
    return Math.random();
  }

  at(at: Instant, run: () => void): Cancel {
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const wait = at - Date.now();
      timer = wait > longestTimer ? setTimeout(arm, longestTimer) : setTimeout(run, Math.max(0, wait));
    };
    arm();
    return () => clearTimeout(timer);
  }
}
