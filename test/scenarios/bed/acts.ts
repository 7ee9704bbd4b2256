import assert from "node:assert/strict";
import { podTemplateHashLabel } from "../../../src/api/names.ts";
import { resources } from "../../../src/api/resources.ts";
import type { BlueGreenStrategy, RolloutSpec } from "../../../src/api/rollout.ts";
import { customResourceDefinitions } from "../../../src/api/schema/definitions.ts";
import type { PodBehaviour } from "../../../src/cluster/node/simulated-behaviour.ts";
import { ApiError } from "../../../src/kubernetes/errors.ts";
import { templateHash, templateIdentity } from "../../../src/rollout/template.ts";
import { type ApplicationUnderTest, revisionOf } from "./application-under-test.ts";
import { namespace, rolloutManifest, serviceManifest, servicesOf, templateOf } from "./manifests.ts";
import { imageOf } from "./setting.ts";
import type { Failure } from "./severed-transport.ts";

/** Something that somebody does, or that happens, in a scenario. */
export type Act = (application: ApplicationUnderTest) => Promise<unknown>;

/** The same for another Rollout than `web`. */
export function of(name: string, act: Act): Act {
  return (application) => act(application.other(name));
}

/** Applies the Services and the Rollout in this version, or changes the image of the one that is there. */
export function deploy(version: string): Act {
  return async (app) => {
    const { containers } = templateOf(app.name, version).spec;
    if ((await app.find(resources.rollouts, app.name)) !== undefined) {
      await app.patch(resources.rollouts, app.name, { spec: { template: { spec: { containers } } } });
      return;
    }
    for (const service of servicesOf(app.application)) await createService(service)(app);
    await applyRollout(version)(app);
  };
}

/** The Rollout alone, without its Services. */
export function applyRollout(version: string): Act {
  return ({ cluster, application }) =>
    cluster.client.create(resources.rollouts, namespace, rolloutManifest(application, version));
}

export function createService(service: string): Act {
  return (app) =>
    app.cluster.client.create(resources.services, namespace, serviceManifest(app.name, service));
}

export function deleteService(service: string): Act {
  return ({ cluster }) => cluster.client.delete(resources.services, namespace, service);
}

/** Installs a definition of Rollouts that has no status subresource. */
export function stripDefinition(): Act {
  return ({ cluster }) =>
    cluster.client.patch(
      resources.customResourceDefinitions,
      undefined,
      `${resources.rollouts.plural}.${resources.rollouts.group}`,
      { type: "json", body: [{ op: "remove", path: "/spec/versions/0/subresources/status" }] },
    );
}

export function promote(): Act {
  return async (app) => {
    const { spec } = await app.rollout();
    if (spec.paused === true) await resume()(app);
    await patchStatus(app, { pauseConditions: null });
  };
}

export function promoteFull(): Act {
  return async (app) => {
    const { spec, status } = await app.rollout();
    if (spec.paused === true) await resume()(app);
    if (status?.currentPodHash !== status?.stableRS) await patchStatus(app, { promoteFull: true });
  };
}

export function abort(): Act {
  return (app) => patchStatus(app, { abort: true });
}

export function retry(): Act {
  return (app) => patchStatus(app, { abort: false });
}

/** Takes the template of a former revision: the one before the newest, unless told. */
export function undo(toRevision?: number): Act {
  return async (app) => {
    const all = await app.replicaSets();
    const target = toRevision === undefined ? all.at(-2) : all.find((one) => revisionOf(one) === toRevision);
    if (target === undefined) throw new Error(`${app.name} has no revision to go back to`);
    const { template } = target.spec;
    const { [podTemplateHashLabel]: _, ...labels } = template.metadata?.labels ?? {};
    const value = { ...template, metadata: { ...template.metadata, labels } };
    await app.cluster.client.patch(resources.rollouts, namespace, app.name, {
      type: "json",
      body: [{ op: "replace", path: "/spec/template", value }],
    });
  };
}

export function pause(): Act {
  return change({ paused: true });
}

export function resume(): Act {
  return change({ paused: false });
}

export function scale(replicas: number): Act {
  return change({ replicas });
}

export function change(spec: { readonly [Field in keyof RolloutSpec]?: RolloutSpec[Field] | null }): Act {
  return (app) => app.patch(resources.rollouts, app.name, { spec });
}

export function changeStrategy(
  fields: {
    readonly [Field in keyof BlueGreenStrategy]?: BlueGreenStrategy[Field] | null;
  },
): Act {
  return (app) => app.patch(resources.rollouts, app.name, { spec: { strategy: { blueGreen: fields } } });
}

export function deleteRollout(): Act {
  return ({ cluster, name }) => cluster.client.delete(resources.rollouts, namespace, name);
}

/** As a declarative tool does that knows nothing of the hash. */
export function stripSelector(service: string): Act {
  return (app) => select(app, service, { [podTemplateHashLabel]: null });
}

/** Another tool writes the hash of this version into the selector. */
export function pointSelector(service: string, version: string): Act {
  return async (app) => {
    const hash = (await app.existingReplicaSet(version)).metadata.labels?.[podTemplateHashLabel];
    await select(app, service, { [podTemplateHashLabel]: hash });
  };
}

/** Changes the labels that the Service selects by, beside the hash. */
export function changeSelector(service: string, labels: Readonly<Record<string, string | null>>): Act {
  return (app) => select(app, service, labels);
}

async function select(
  app: ApplicationUnderTest,
  service: string,
  selector: Readonly<Record<string, string | null | undefined>>,
): Promise<void> {
  await app.cluster.witness.lookAway(async () => {
    await app.patch(resources.services, service, { spec: { selector } });
  });
}

/** From now on the version's pods behave so, also those that run. */
export function podsBehave(version: string, behaviour: PodBehaviour): Act {
  return async ({ cluster, name }) => cluster.driver.behave({ image: imageOf(name, version), ...behaviour });
}

/** The version's pods end, and end again a moment after each start. */
export function podsCrash(version: string): Act {
  return podsBehave(version, { crashAfterSeconds: 0.01 });
}

export function podsRecover(version: string): Act {
  return podsBehave(version, {});
}

/** One of the version's pods is not ready any more, for good. */
export function podFails(version: string): Act {
  return async (app) => {
    const pod = (await app.pods(version))[0]?.metadata.name ?? "";
    app.cluster.driver.behave({ pod, neverReady: true });
  };
}

export function deletePod(version: string): Act {
  return async (app) => {
    const [pod] = await app.pods(version);
    if (pod === undefined) throw new Error(`${app.name} has no pod of ${version}`);
    await app.cluster.client.delete(resources.pods, namespace, pod.metadata.name, { gracePeriodSeconds: 0 });
  };
}

/** The traffic process confirms nothing any more. */
export function trafficStalls(): Act {
  return async ({ cluster }) => {
    cluster.traffic.delaySeconds = "never";
  };
}

/** The traffic process confirms all that it has not, and from now on everything at once. */
export function trafficConfirms(): Act {
  return async ({ cluster }) => cluster.traffic.confirmAll();
}

export function restartController(): Act {
  return async ({ cluster }) => {
    await cluster.killController();
    await cluster.startController();
  };
}

export function stopController(): Act {
  return ({ cluster }) => cluster.killController();
}

export function startController(): Act {
  return ({ cluster }) => cluster.startController();
}

/** The controller is killed with the n-th write from now on: the write is made, what comes after it is not. */
export function controllerDiesAfterWrites(n: number): Act {
  return async ({ cluster }) => {
    await cluster.killController();
    await cluster.startController(n);
  };
}

/** Of the controller's writes that match, some fail: those after the first `after`, `times` of them (1 if absent). */
export function writesFail(write: RegExp, failure: Failure, { after = 0, times = 1 } = {}): Act {
  return async ({ cluster }) => cluster.failWrites({ write, failure, after, times });
}

/** The kinds of templates become known to the cluster, as by installing their definitions. */
export const installTemplates: Act = async ({ cluster }) => {
  for (const definition of customResourceDefinitions()) {
    if (!definition.metadata.name.includes("templates.")) continue;
    await cluster.client.create(resources.customResourceDefinitions, undefined, definition);
  }
};

export function createTemplate(name: string, ...templates: readonly object[]): Act {
  return ({ cluster }) =>
    cluster.client.create(resources.analysisTemplates, namespace, {
      apiVersion: "argoproj.io/v1alpha1",
      kind: "AnalysisTemplate",
      metadata: { name, namespace: namespace },
      spec: { templates },
    });
}

export function createClusterTemplate(name: string): Act {
  return ({ cluster }) =>
    cluster.client.create(resources.clusterAnalysisTemplates, undefined, {
      apiVersion: "argoproj.io/v1alpha1",
      kind: "ClusterAnalysisTemplate",
      metadata: { name },
      spec: {},
    });
}

/** An object with another template takes the name that the version's ReplicaSet would get. */
export function takeOverName(version: string): Act {
  return async ({ cluster, application }) => {
    const { template } = rolloutManifest(application, version).spec;
    assert.ok(template);
    const labels = { squatter: "yes" };
    await cluster.client.create(resources.replicaSets, namespace, {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: {
        name: `${application.name}-${templateHash(templateIdentity(template))}`,
        namespace,
        labels,
      },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: "other", image: "other:1" }] } },
      },
    });
  };
}

async function patchStatus(app: ApplicationUnderTest, status: object): Promise<void> {
  try {
    await app.patch(resources.rollouts, app.name, { status }, "status");
  } catch (error) {
    if (!(error instanceof ApiError) || error.kind !== "notFound") throw error;
    await app.patch(resources.rollouts, app.name, { status });
  }
}
