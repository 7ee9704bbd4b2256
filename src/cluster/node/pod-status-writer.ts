import type { Condition, Pod, PodStatus } from "../../api/core.ts";
import { equalJson } from "../../api/equal-json.ts";
import { portMapAnnotation } from "../../api/names.ts";
import { resources } from "../../api/resources.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { type Cancel, type Clock, later } from "../../time/clock.ts";
import { pause } from "../../time/pause.ts";
import type { PodNetwork } from "./pod-driver.ts";

export interface PodStatusWriterOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  /** The pod as the API has it at first. */
  readonly pod: Pod;
  /** What is true now. */
  readonly read: () => { readonly status: PodStatus; readonly network: PodNetwork | undefined };
  readonly onProblem: (text: string) => void;
}

// A pod that gets running within this time is reported once, as running, and not as being created before.
const creatingUnreportedSeconds = 0.5;
const firstRetrySeconds = 0.5;
const longestRetrySeconds = 15;

/**
 * Brings one pod's status into the API: one write at a time, only what differs from the last one, only the newest status
 * when several changes came meanwhile, again and again while the API does not answer.
 */
export class PodStatusWriter {
  readonly #options: PodStatusWriterOptions;
  readonly #closing = new AbortController();
  #written: PodStatus;
  #portMap: string | undefined;
  #cancelDelayed: Cancel | undefined;
  #writing: Promise<void> | undefined;
  #changed = false;

  constructor(options: PodStatusWriterOptions) {
    this.#options = options;
    this.#written = options.pod.status ?? {};
    this.#portMap = options.pod.metadata.annotations?.[portMapAnnotation];
  }

  /** What `read` answers may have changed. */
  changed(): void {
    const { clock, read } = this.#options;
    if (this.#closing.signal.aborted) return;
    this.#changed = true;
    if (this.#writing !== undefined) return;
    if (isBeingCreated(read().status)) {
      this.#cancelDelayed ??= clock.at(later(clock.now(), creatingUnreportedSeconds), () => this.#begin());
    } else {
      this.#begin();
    }
  }

  /** Resolves when all that has changed so far is written, or given up. */
  async flushed(): Promise<void> {
    if (this.#cancelDelayed !== undefined) this.#begin();
    await this.#writing;
  }

  /** Nothing is written any more. */
  close(): void {
    this.#closing.abort();
    this.#cancelDelayed?.();
  }

  #begin(): void {
    this.#cancelDelayed?.();
    this.#cancelDelayed = undefined;
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    // Changes that belong together come within one turn.
    await Promise.resolve();
    try {
      while (this.#changed && !this.#closing.signal.aborted) {
        this.#changed = false;
        await this.#write();
      }
    } catch (error) {
      const { name, namespace } = this.#options.pod.metadata;
      const cause = error instanceof Error ? error.message : String(error);
      this.#options.onProblem(`status of pod ${namespace}/${name} not written: ${cause}`);
    } finally {
      this.#writing = undefined;
    }
  }

  async #write(): Promise<void> {
    const { client, pod, read } = this.#options;
    const { namespace, name, uid } = pod.metadata;
    const { status, network } = read();
    const portMap = network?.portMap === undefined ? undefined : JSON.stringify(network.portMap);
    if (portMap !== this.#portMap) {
      const metadata = { uid, annotations: { [portMapAnnotation]: portMap ?? null } };
      const patch = { type: "merge", body: { metadata } } as const;
      if (!(await this.#persist(() => client.patch(resources.pods, namespace, name, patch)))) return;
      this.#portMap = portMap;
    }
    const difference = statusDifference(this.#written, status);
    if (difference === undefined) return;
    const body = { metadata: { uid }, status: difference };
    const patch = { type: "strategic", body, subresource: "status" } as const;
    if (await this.#persist(() => client.patch(resources.pods, namespace, name, patch))) {
      this.#written = status;
    }
  }

  /** Whether `write` came through at last; false when the pod is gone or the writer was closed. */
  async #persist(write: () => Promise<unknown>): Promise<boolean> {
    const { clock } = this.#options;
    for (let retrySeconds = firstRetrySeconds; !this.#closing.signal.aborted; ) {
      try {
        await write();
        return true;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        // A conflict is about the uid: another pod has the name by now.
        if (error.kind === "notFound" || error.kind === "conflict") return false;
        if (error.kind !== "unreachable" && error.kind !== "retryable") throw error;
        await pause(clock, later(clock.now(), retrySeconds), this.#closing.signal);
        retrySeconds = Math.min(retrySeconds * 2, longestRetrySeconds);
      }
    }
    return false;
  }
}

/** The strategic merge patch of a status from `before` to `after`; undefined when they are the same. */
function statusDifference(before: PodStatus, after: PodStatus): object | undefined {
  const { conditions, ...fields } = after;
  const changed = Object.entries(fields).filter(
    ([name, value]) => !equalJson(value, before[name as keyof PodStatus]),
  );
  const changedConditions = (conditions ?? []).flatMap((condition) => {
    const known = withoutNulls(before.conditions?.find(({ type }) => type === condition.type));
    return equalJson(known, condition) ? [] : [conditionPatch(known, condition)];
  });
  if (changed.length === 0 && changedConditions.length === 0) return undefined;
  return {
    ...Object.fromEntries(changed),
    ...(changedConditions.length === 0 ? {} : { conditions: changedConditions }),
  };
}

// Conditions are merged by type, so what is no longer true of one must be taken away by name.
function conditionPatch(before: object, after: Condition): object {
  const removed = Object.keys(before).filter((name) => !(name in after));
  return { ...Object.fromEntries(removed.map((name) => [name, null])), ...after };
}

// The API shows fields that nobody set, such as `lastProbeTime`, as null.
function withoutNulls(condition: Condition | undefined): object {
  return Object.fromEntries(Object.entries(condition ?? {}).filter(([, value]) => value !== null));
}

function isBeingCreated({ phase, initContainerStatuses = [], containerStatuses = [] }: PodStatus): boolean {
  const unspectacular = ["ContainerCreating", "PodInitializing"];
  return (
    phase === "Pending" &&
    [...initContainerStatuses, ...containerStatuses].every(({ state }) =>
      unspectacular.some((reason) => reason === state?.waiting?.reason),
    )
  );
}
