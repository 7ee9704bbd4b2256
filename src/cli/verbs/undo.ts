import { isDeepStrictEqual } from "node:util";
import type { PodTemplateSpec, ReplicaSet } from "../../api/core.ts";
import { podTemplateHashLabel } from "../../api/names.ts";
import { type Resource, resources } from "../../api/resources.ts";
import type { Rollout } from "../../api/rollout.ts";
import { withoutInjections } from "../../rollout/injections.ts";
import { revisionOf } from "../../view/rollout-tree.ts";
import { verb } from "../command.ts";
import { CommandError } from "../errors.ts";
import { wholeNumber } from "../flags.ts";
import { readReplicaSets, readRollout } from "../rollout-requests.ts";

export const undo = verb({
  flags: {
    "to-revision": {
      takes: "text",
      value: "N",
      help: "revision to go back to; the previous one unless given",
    },
  },
  words: { least: 1, most: 1 },
  async run({ words: [name = ""], flags }, context) {
    const revision = wholeNumber("to-revision", flags["to-revision"]) ?? 0;
    const cluster = await context.cluster();
    const rollout = await readRollout(cluster, name);
    const former = formerReplicaSet(rollout, await readReplicaSets(cluster, rollout), revision);
    const template = writtenTemplate(former);
    if (isCurrent(rollout, former)) {
      context.terminal.out(
        `skipped rollback (current template already matches revision ${revisionOf(former)})\n`,
      );
      return 0;
    }
    const workload = workloadOf(rollout);
    await cluster.client.patch(workload.resource, cluster.namespace, workload.name, {
      type: "json",
      body: [{ op: "replace", path: "/spec/template", value: template }],
    });
    context.terminal.out(`rollout '${name}' undo\n`);
    return 0;
  },
});

/** The ReplicaSet of `revision`; of the last but newest revision when that is 0. */
function formerReplicaSet(
  { metadata: { name } }: Rollout,
  replicaSets: readonly ReplicaSet[],
  revision: number,
): ReplicaSet {
  const newestFirst = replicaSets
    .filter((replicaSet) => revisionOf(replicaSet) > 0)
    .sort((a, b) => revisionOf(b) - revisionOf(a));
  const available = newestFirst.map(revisionOf).join(", ") || "none";
  const found =
    revision === 0 ? newestFirst[1] : newestFirst.find((replicaSet) => revisionOf(replicaSet) === revision);
  if (found !== undefined) return found;
  throw new CommandError(
    revision === 0
      ? `no revision found for rollout "${name}" that is older than today's; available: ${available}`
      : `unable to find specified revision ${revision} in history; available: ${available}`,
  );
}

function isCurrent(rollout: Rollout, replicaSet: ReplicaSet): boolean {
  const { metadata, spec, status } = rollout;
  // Kubernetes has filled in defaults there, so that equal templates may look different; the controller knows.
  const isObserved = status?.observedGeneration === String(metadata.generation);
  const hash = replicaSet.metadata.labels?.[podTemplateHashLabel];
  if (isObserved && hash !== undefined) return status?.currentPodHash === hash;
  return isDeepStrictEqual(writtenTemplate(replicaSet), spec.template);
}

/** Without what controllers put into it. */
function writtenTemplate(replicaSet: ReplicaSet): PodTemplateSpec {
  const template = withoutInjections(replicaSet);
  const { [podTemplateHashLabel]: _, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

const workloads: Readonly<Record<string, Resource>> = {
  Deployment: resources.deployments,
  ReplicaSet: resources.replicaSets,
  PodTemplate: { group: "", version: "v1", plural: "podtemplates", kind: "PodTemplate", namespaced: true },
};

/** What holds the template: the Rollout itself, or the workload that it refers to. */
function workloadOf({ spec, metadata }: Rollout): { resource: Resource; name: string } {
  if (spec.workloadRef === undefined) return { resource: resources.rollouts, name: metadata.name };
  const { kind = "", name = "" } = spec.workloadRef;
  const resource = workloads[kind];
  if (resource === undefined) throw new CommandError(`workload of type ${kind} is not supported`);
  return { resource, name };
}
