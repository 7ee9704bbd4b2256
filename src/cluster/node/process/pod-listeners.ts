import { type Clock, type Instant, later } from "../../../time/clock.ts";
import { listeners, listenersAt } from "./listeners.ts";
import { descendantsOf, openFiles } from "./proc-files.ts";

/**
 * Who takes connections to a place: `pod` itself, `nobody`, another program on this machine, or `unknown` where the pod's
 * processes let nobody see what they have open.
 */
export type Answerer = "pod" | "nobody" | "unknown" | { readonly stranger: string };

export interface PodProcesses {
  /** The first process of each container. */
  readonly leaders: readonly number[];
  /** All of the pod; looks through all processes of the machine. */
  readonly all: () => readonly number[];
}

// A server that has left its parents is found this late, and a stranger costs no more than this.
const searchEverySeconds = 5;

interface Known {
  /** Inodes of sockets that were found with the pod's processes. */
  readonly own: Set<string>;
  searchAt: Instant;
}

/** Knows which listening sockets are whose, so that a probe of a pod is answered by that pod. */
export class PodListeners {
  readonly #clock: Clock;
  readonly #pods = new Map<string, Known>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  whoAnswers(podUid: string, address: string, port: number, processes: PodProcesses): Answerer {
    if (process.platform !== "linux") return "unknown";
    const found = listenersAt(listeners(), address, port);
    const [first] = found;
    if (first === undefined) return "nobody";
    const known = this.#known(podUid);
    const isOwn = (): boolean => found.every(({ inode }) => known.own.has(inode));
    if (isOwn()) return "pod";
    const near = this.#look(known, processes.leaders.flatMap(descendantsOf));
    if (isOwn()) return "pod";
    const now = this.#clock.now();
    if (near === "hidden") return "unknown";
    if (now >= known.searchAt) {
      known.searchAt = later(now, searchEverySeconds);
      const all = this.#look(known, processes.all());
      if (isOwn()) return "pod";
      if (all === "hidden") return "unknown";
    }
    const where = first.address === "*" ? `port ${port} of all addresses` : `${address}:${port}`;
    return { stranger: `a program that is not of this pod listens on ${where}` };
  }

  forget(podUid: string): void {
    this.#pods.delete(podUid);
  }

  #known(podUid: string): Known {
    const known = this.#pods.get(podUid) ?? { own: new Set(), searchAt: this.#clock.now() };
    this.#pods.set(podUid, known);
    return known;
  }

  #look(known: Known, pids: readonly number[]): "seen" | "hidden" {
    let isHidden = false;
    for (const pid of pids) {
      const files = openFiles(pid);
      if (files === undefined) isHidden = true;
      for (const file of files ?? []) {
        const inode = /^socket:\[(\d+)\]$/.exec(file)?.[1];
        if (inode !== undefined) known.own.add(inode);
      }
    }
    return isHidden ? "hidden" : "seen";
  }
}
