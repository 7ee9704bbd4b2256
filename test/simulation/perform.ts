import { resources } from "../../src/api/resources.ts";
import type { Rollout } from "../../src/api/rollout.ts";
import { ApiError } from "../../src/kubernetes/errors.ts";
import * as acts from "../scenarios/bed/acts.ts";
import type { ApplicationUnderTest } from "../scenarios/bed/application-under-test.ts";
import { namespace, servicesOf } from "../scenarios/bed/manifests.ts";
import type { Deed } from "./story.ts";

/** Does it; a server that refuses, or nothing that it could be done to, is a fact of life. */
export async function perform(deed: Deed, app: ApplicationUnderTest): Promise<void> {
  try {
    await actOf(deed)(app);
  } catch (error) {
    const isNothingThere = error instanceof Error && / has no /.test(error.message);
    if (!(error instanceof ApiError || isNothingThere)) throw error;
  }
}

function actOf(deed: Deed): acts.Act {
  const service = (app: ApplicationUnderTest, role: "active" | "preview"): string =>
    (role === "active" ? app.application.strategy.activeService : app.application.strategy.previewService) ??
    "";
  switch (deed.do) {
    case "deploy":
      return deploy(deed.version);
    case "undo":
      return acts.undo();
    case "promote":
      return acts.promote();
    case "promoteFull":
      return acts.promoteFull();
    case "abort":
      return acts.abort();
    case "retry":
      return acts.retry();
    case "pause":
      return acts.pause();
    case "resume":
      return acts.resume();
    case "scale":
      return acts.scale(deed.replicas);
    case "strip":
      return (app) => acts.stripSelector(service(app, deed.role))(app);
    case "point":
      return (app) => acts.pointSelector(service(app, deed.role), deed.version)(app);
    case "deleteService":
      return (app) => acts.deleteService(service(app, deed.role))(app);
    case "createService":
      return (app) => acts.createService(service(app, deed.role))(app);
    case "breakSpec":
      return breakSpec(deed.how);
    case "mendSpec":
      return mendSpec;
    case "strategy":
      return acts.changeStrategy(deed.fields);
    case "deletePod":
      return acts.deletePod(deed.version);
    case "podsBehave":
      return acts.podsBehave(deed.version, deed.behaviour);
    case "podFails":
      return acts.podFails(deed.version);
    case "loseStatus":
      return loseStatus(deed.fields);
    case "deleteReplicaSet":
      return async (app) => {
        const { name } = (await app.existingReplicaSet(deed.version)).metadata;
        await app.cluster.client.delete(resources.replicaSets, namespace, name, {
          propagationPolicy: deed.propagation,
        });
      };
    case "orphanAndApply":
      return orphanAndApply;
  }
}

/** Where Services of others are already there, too. */
function deploy(version: string): acts.Act {
  return async (app) => {
    if ((await app.find(resources.rollouts, app.name)) !== undefined) return await acts.deploy(version)(app);
    for (const service of servicesOf(app.application))
      if ((await app.find(resources.services, service)) === undefined) await acts.createService(service)(app);
    return await acts.applyRollout(version)(app);
  };
}

function breakSpec(how: "absent preview" | "one Service for both" | "selector"): acts.Act {
  return async (app) => {
    if (how === "absent preview") await acts.changeStrategy({ previewService: "absent" })(app);
    else if (how === "one Service for both")
      await acts.changeStrategy({ previewService: app.application.strategy.activeService ?? null })(app);
    else await acts.change({ selector: { matchLabels: { app: "somebody-else" } } })(app);
  };
}

export const mendSpec: acts.Act = async (app) => {
  const { activeService = null, previewService = null } = app.application.strategy;
  await acts.changeStrategy({ activeService, previewService })(app);
  await acts.change({ selector: { matchLabels: { app: app.name } } })(app);
};

/** As after a restored backup, or a tool that does not know the status. */
function loseStatus(fields: readonly string[] | "all"): acts.Act {
  return async (app) => {
    const { status = {} } = await app.rollout();
    const lost = Object.keys(status).filter((field) => fields === "all" || fields.includes(field));
    const nothing = Object.fromEntries(lost.map((field) => [field, null]));
    await app.patch(resources.rollouts, app.name, { status: nothing }, "status");
  };
}

/** The Rollout is deleted without what it owns, and applied again a moment later. */
const orphanAndApply: acts.Act = async (app) => {
  const { metadata, spec, apiVersion, kind } = await app.rollout();
  const { client, clock } = app.cluster;
  await client.delete(resources.rollouts, namespace, app.name, { propagationPolicy: "Orphan" });
  await clock.advance(0.5);
  const again: Rollout = { apiVersion, kind, metadata: { name: metadata.name, namespace }, spec };
  await client.create(resources.rollouts, namespace, again);
};
