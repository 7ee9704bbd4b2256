import { keyOf } from "../api/metadata.ts";
import { resources } from "../api/resources.ts";
import type { Rollout, RolloutStatus } from "../api/rollout.ts";
import { ApiError } from "../kubernetes/errors.ts";
import { mergePatchBetween } from "../kubernetes/merge-patch.ts";
import type { PlannedEvent } from "../rollout/action.ts";
import { present } from "../rollout/status/fields.ts";
import type { Writer } from "./writer.ts";

const missingSubresource: PlannedEvent = {
  type: "Warning",
  reason: "MissingStatusSubresource",
  message:
    "the installed CustomResourceDefinition of Rollouts has no status subresource, so every status counts as a change of " +
    "the spec; install the right one with `kubectl apply -f deploy/crds/`",
};

/** Makes Rollouts' statuses read as planned. */
export class StatusWriter {
  readonly #writer: Writer;
  readonly #tell: (rollout: Rollout, event: PlannedEvent) => void;
  /** The Rollouts, by key, of which it was told that the subresource is missing. */
  readonly #told = new Set<string>();

  /** `tell` is called once for each Rollout while its definition has no status subresource. */
  constructor(writer: Writer, tell: (rollout: Rollout, event: PlannedEvent) => void) {
    this.#writer = writer;
    this.#tell = tell;
  }

  /**
   * Patches the difference; writes nothing when there is none. `rollout` is the version that the plan was made for, or what
   * this pass has made of it. Throws `ApiError`.
   */
  async write(rollout: Rollout, planned: RolloutStatus): Promise<void> {
    const status = mergePatchBetween(rollout.status ?? {}, planned);
    if (status === undefined) return;
    try {
      await this.#patch(rollout, status, "status");
      this.#told.delete(keyOf(rollout));
    } catch (error) {
      if (!(error instanceof ApiError) || error.kind !== "notFound") throw error;
      await this.#writeWhole(rollout, planned);
    }
  }

  forget(key: string): void {
    this.#told.delete(key);
  }

  /** A Rollout that is gone answers the same again. */
  async #writeWhole(rollout: Rollout, planned: RolloutStatus): Promise<void> {
    const status = mergePatchBetween(rollout.status ?? {}, {
      ...planned,
      ...present(nextGeneration(rollout, planned)),
    });
    if (status === undefined) return;
    await this.#patch(rollout, status);
    const key = keyOf(rollout);
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#tell(rollout, missingSubresource);
  }

  async #patch(rollout: Rollout, status: object, subresource?: string): Promise<void> {
    const { namespace = "", name, uid = "", resourceVersion = "" } = rollout.metadata;
    const target = { resource: resources.rollouts, namespace, name };
    await this.#writer.patch(keyOf(rollout), target, { uid, resourceVersion }, { status }, subresource);
  }
}

/**
 * Without the subresource this very write is a generation of its own, with the same spec: what has observed the one before has
 * observed it, and must say so, or it would be written again and again.
 */
function nextGeneration(
  { metadata: { generation } }: Rollout,
  { observedGeneration }: RolloutStatus,
): { readonly observedGeneration: string | undefined } {
  const isObserved = generation !== undefined && observedGeneration === String(generation);
  return { observedGeneration: isObserved ? String(generation + 1) : undefined };
}
