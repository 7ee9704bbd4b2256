import type { PodTemplateSpec, ReplicaSet } from "../../api/core.ts";
import { podTemplateHashLabel } from "../../api/names.ts";
import { type Resource, resources } from "../../api/resources.ts";
import type { Rollout } from "../../api/rollout.ts";
import { withoutInjections } from "../../rollout/injections.ts";
import { wasLive } from "../../rollout/replica-set.ts";
import { templateIdentity, templatesOf } from "../../rollout/template.ts";
import { isObserved } from "../rollout-phase.ts";
import { hashOf, revisionOf, type Seen, versionOf } from "../seen.ts";
import { type Answer, allowed, refused, refusedAsDeleted } from "./answer.ts";

/** Whether there is an earlier version to go back to: of `revision`, or else the one that users were on last. */
export function undoing(seen: Seen, revision: number | undefined): Answer {
  const { rollout } = seen;
  const { name } = rollout.metadata;
  const deleted = refusedAsDeleted(rollout);
  if (deleted !== undefined) return deleted;
  const known = seen.replicaSets.filter((replicaSet) => revisionOf(replicaSet) > 0);
  const current = known.find((replicaSet) => isCurrent(rollout, replicaSet));
  const former =
    revision === undefined
      ? lastGood(
          rollout,
          known.filter((replicaSet) => replicaSet !== current),
        )
      : known.find((replicaSet) => revisionOf(replicaSet) === revision);
  if (former === undefined) return noRevision(name, known, revision);
  if (former === current)
    return {
      is: "needless",
      because: `skipped rollback (current template already matches revision ${revisionOf(former)})`,
    };
  const workload = workloadOf(rollout);
  if (workload === undefined)
    return refused(
      `rollout '${name}' cannot be undone: its template is that of a ${rollout.spec.workloadRef?.kind}`,
      `Teal can change that of ${Object.keys(workloads).join(", ")}; change it where it comes from`,
    );
  return allowed(`undo to ${versionOf(former)}`, {
    of: "template",
    ...workload,
    template: writtenTemplate(former),
  });
}

/**
 * The version that users are on, else the newest that they were on; where nothing says so, as with what another controller has
 * brought out, the newest. A version that was never live may never have worked.
 */
function lastGood(rollout: Rollout, others: readonly ReplicaSet[]): ReplicaSet | undefined {
  const stable = rollout.status?.stableRS;
  return others.find((it) => hashOf(it) === stable) ?? others.find((it) => wasLive(it)) ?? others[0];
}

function noRevision(name: string, known: readonly ReplicaSet[], revision: number | undefined): Answer {
  const available = known.map(revisionOf).join(", ") || "none";
  return revision === undefined
    ? refused(
        `no revision found for rollout "${name}" that is older than today's; available: ${available}`,
        `An earlier version can be given with "teal set image ${name} CONTAINER=IMAGE"`,
      )
    : refused(
        `unable to find specified revision ${revision} in history; available: ${available}`,
        `"teal get rollout ${name}" shows what each of them is`,
      );
}

function isCurrent(rollout: Rollout, replicaSet: ReplicaSet): boolean {
  const { spec, status } = rollout;
  // Kubernetes has filled in defaults there, so that equal templates may look different; the controller knows.
  const hash = hashOf(replicaSet);
  if (isObserved(rollout) && hash !== undefined) return status?.currentPodHash === hash;
  return spec.template !== undefined && templatesOf(replicaSet).includes(templateIdentity(spec.template));
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
function workloadOf({ spec, metadata }: Rollout): { resource: Resource; name: string } | undefined {
  if (spec.workloadRef === undefined) return { resource: resources.rollouts, name: metadata.name };
  const { kind = "", name = "" } = spec.workloadRef;
  const resource = Object.hasOwn(workloads, kind) ? workloads[kind] : undefined;
  return resource && { resource, name };
}
