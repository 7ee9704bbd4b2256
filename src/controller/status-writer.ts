import { keyOf } from "../api/metadata.ts";
import { resources } from "../api/resources.ts";
import type { Rollout, RolloutStatus } from "../api/rollout.ts";
import { ApiError } from "../kubernetes/errors.ts";
import { mergePatchBetween } from "../kubernetes/merge-patch.ts";
import type { Writer } from "./writer.ts";

/**
 * Makes the Rollout's status read as planned by patching the difference; writes nothing when there is none. `rollout` is
 * the version that the plan was made for, or what this pass has made of it. Throws `ApiError`.
 */
export async function writeStatus(rollout: Rollout, planned: RolloutStatus, writer: Writer): Promise<void> {
  const status = mergePatchBetween(rollout.status ?? {}, planned);
  if (status === undefined) return;
  const { namespace = "", name, uid = "", resourceVersion = "" } = rollout.metadata;
  const target = { resource: resources.rollouts, namespace, name };
  const seen = { uid, resourceVersion };
  const owner = keyOf(rollout);
  try {
    await writer.patch(owner, target, seen, { status }, "status");
  } catch (error) {
    if (!(error instanceof ApiError) || error.kind !== "notFound") throw error;
    // Definitions of old installations have no status subresource; a Rollout that is gone answers the same again.
    await writer.patch(owner, target, seen, { status });
  }
}
