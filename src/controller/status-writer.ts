import { keyOf } from "../api/metadata.ts";
import type { Resource } from "../api/resources.ts";
import { ApiError } from "../kubernetes/errors.ts";
import { mergePatchBetween } from "../kubernetes/merge-patch.ts";
import type { PlannedEvent } from "../rollout/action.ts";
import { present } from "../rollout/status/fields.ts";
import { type Instant, later } from "../time/clock.ts";
import type { PlannedStatus, Reconciled } from "./kind.ts";
import type { Writer } from "./writer.ts";

/** How long a status that is no news is put off, so that pods that come up together are told of together. */
const patienceSeconds = 1;

function missingSubresource({ kind }: Resource): PlannedEvent {
  const message =
    `the installed CustomResourceDefinition of ${kind}s has no status subresource, so every status counts as a change of ` +
    "the spec; install the right one with `kubectl apply -f deploy/crds/`";
  return { type: "Warning", reason: "MissingStatusSubresource", message };
}

type Planned = Reconciled<PlannedStatus>;

/** Makes the statuses of one kind read as planned. */
export class StatusWriter {
  readonly #resource: Resource;
  readonly #writer: Writer;
  readonly #tell: (object: Planned, event: PlannedEvent) => void;
  /** The objects, by key, of which it was told that the subresource is missing. */
  readonly #told = new Set<string>();

  /** Until when a status that is no news is put off, by key. */
  readonly #putOff = new Map<string, Instant>();

  /** `tell` is called once for each object while its definition has no status subresource. */
  constructor(resource: Resource, writer: Writer, tell: (object: Planned, event: PlannedEvent) => void) {
    this.#resource = resource;
    this.#writer = writer;
    this.#tell = tell;
  }

  /** Until when a status that is no news may stay unwritten; undefined when it may not, or there is nothing to write. */
  mayWait(object: Planned, planned: PlannedStatus, now: Instant): Instant | undefined {
    const key = keyOf(object);
    if (mergePatchBetween(object.status ?? {}, planned) === undefined) {
      this.#putOff.delete(key);
      return undefined;
    }
    const until = this.#putOff.get(key) ?? later(now, patienceSeconds);
    this.#putOff.set(key, until);
    return now < until ? until : undefined;
  }

  /**
   * Patches the difference; writes nothing when there is none. `object` is the version that the plan was made for, or what
   * this pass has made of it. Throws `ApiError`.
   */
  async write(object: Planned, planned: PlannedStatus): Promise<void> {
    const status = mergePatchBetween(object.status ?? {}, planned);
    this.#putOff.delete(keyOf(object));
    if (status === undefined) return;
    try {
      await this.#patch(object, status, "status");
      this.#told.delete(keyOf(object));
    } catch (error) {
      if (!(error instanceof ApiError) || error.kind !== "notFound") throw error;
      await this.#writeWhole(object, planned);
    }
  }

  forget(key: string): void {
    this.#putOff.delete(key);
    this.#told.delete(key);
  }

  /** One that is gone answers the same again. */
  async #writeWhole(object: Planned, planned: PlannedStatus): Promise<void> {
    const status = mergePatchBetween(object.status ?? {}, {
      ...planned,
      ...present(nextGeneration(object, planned)),
    });
    if (status === undefined) return;
    await this.#patch(object, status);
    const key = keyOf(object);
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#tell(object, missingSubresource(this.#resource));
  }

  async #patch(object: Planned, status: object, subresource?: string): Promise<void> {
    const { namespace = "", name, uid = "", resourceVersion = "" } = object.metadata;
    const target = { resource: this.#resource, namespace, name };
    await this.#writer.patch(keyOf(object), target, { uid, resourceVersion }, { status }, subresource);
  }
}

/**
 * Without the subresource this very write is a generation of its own, with the same spec: what has observed the one before has
 * observed it, and must say so, or it would be written again and again.
 */
function nextGeneration(
  { metadata: { generation } }: Planned,
  { observedGeneration }: PlannedStatus,
): { readonly observedGeneration: string | undefined } {
  const isObserved = generation !== undefined && observedGeneration === String(generation);
  return { observedGeneration: isObserved ? String(generation + 1) : undefined };
}
