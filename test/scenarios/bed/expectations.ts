import assert from "node:assert/strict";
import type { Service } from "../../../src/api/core.ts";
import {
  managedByAnnotation,
  podTemplateHashLabel,
  scaleDownDeadlineAnnotation,
} from "../../../src/api/names.ts";
import { resources } from "../../../src/api/resources.ts";
import type { RolloutPhase } from "../../../src/api/rollout.ts";
import { type ApplicationUnderTest, revisionOf } from "./application-under-test.ts";
import { namespace } from "./manifests.ts";

/** Something that must be so at this moment of a scenario; throws when it is not. */
export type Expectation = (application: ApplicationUnderTest) => Promise<void>;

export function seenBy(name: string, ...expectations: readonly Expectation[]): Expectation {
  return async (application) => {
    for (const expectation of expectations) await expectation(application.other(name));
  };
}

/** Users are on this version and on no other: the selector says so, and so do the endpoints. */
export function active(version: string): Expectation {
  return async (app) => {
    const service = app.application.strategy.activeService ?? "";
    assert.equal(await app.selectedBy(service), version, `version selected by the active Service ${service}`);
    assert.deepEqual(await app.reachedThrough(service), [version], `versions reached through ${service}`);
  };
}

/** The preview Service names this version, whether or not it has pods. */
export function preview(version: string): Expectation {
  return async (app) => {
    const service = app.application.strategy.previewService ?? "";
    assert.equal(
      await app.selectedBy(service),
      version,
      `version selected by the preview Service ${service}`,
    );
  };
}

export function selects(service: string, version: string | undefined): Expectation {
  return async (app) =>
    assert.equal(await app.selectedBy(service), version, `version selected by ${service}`);
}

export function phase(expected: RolloutPhase, message?: string | RegExp): Expectation {
  return async (app) => {
    const { status } = await app.rollout();
    const seen = `${status?.phase}: ${status?.message ?? ""}`;
    assert.equal(status?.phase, expected, seen);
    if (typeof message === "string") assert.equal(status?.message, message);
    if (message instanceof RegExp) assert.match(status?.message ?? "", message);
  };
}

export const healthy: Expectation = async (app) => {
  await phase("Healthy")(app);
  const { status } = await app.rollout();
  assert.equal(status?.message, undefined);
};

/** The controller has told this, once. */
export function logged(text: string): Expectation {
  return async ({ cluster }) => {
    const lines = cluster.log.filter((line) => line.includes(text));
    assert.equal(lines.length, 1, `told: ${text}`);
  };
}

/** How many pods the version is to have. */
export function size(version: string, pods: number): Expectation {
  return async (app) => {
    const replicaSet = await app.existingReplicaSet(version);
    assert.equal(replicaSet.spec.replicas, pods, `size of ${version}`);
    assert.equal((await app.pods(version)).length, pods, `pods of ${version}`);
  };
}

/** The versions that have a ReplicaSet, oldest revision first. */
export function versions(...expected: readonly string[]): Expectation {
  return async (app) => {
    const all = (await app.replicaSets()).map(({ metadata }) => metadata.labels?.[podTemplateHashLabel]);
    assert.deepEqual(await Promise.all(all.map((hash) => app.versionOfHash(hash))), expected);
  };
}

export function stable(version: string): Expectation {
  return async (app) => {
    const { status } = await app.rollout();
    assert.equal(await app.versionOfHash(status?.stableRS), version, "stable version");
  };
}

export function revision(expected: number, version?: string): Expectation {
  return async (app) => {
    assert.equal(revisionOf(await app.rollout()), expected, "revision of the Rollout");
    if (version !== undefined)
      assert.equal(revisionOf(await app.existingReplicaSet(version)), expected, `revision of ${version}`);
  };
}

export function condition(type: string, status: "True" | "False" | "Unknown", reason?: string): Expectation {
  return async (app) => {
    const found = (await app.rollout()).status?.conditions?.find((candidate) => candidate.type === type);
    assert.equal(found?.status, status, `condition ${type}: ${JSON.stringify(found)}`);
    if (reason !== undefined) assert.equal(found?.reason, reason, `reason of ${type}`);
  };
}

export function noCondition(type: string): Expectation {
  return async (app) => {
    const all = (await app.rollout()).status?.conditions?.map((candidate) => candidate.type) ?? [];
    assert.ok(!all.includes(type), `there is no condition ${type}`);
  };
}

/** The status has these fields with these values; undefined: the field is missing. */
export function status(fields: Readonly<Record<string, unknown>>): Expectation {
  return async (app) => {
    const all: object = (await app.rollout()).status ?? {};
    for (const [field, value] of Object.entries(fields))
      assert.deepEqual(Object.entries(all).find(([key]) => key === field)?.[1], value, `status.${field}`);
  };
}

/** All events of the Rollout so far, in order; but for what is said of the endpoints that a plain Kubernetes brings along. */
export function events(...reasons: readonly string[]): Expectation {
  return async (app) => {
    const seen = app.cluster.witness.events.get(app.name) ?? [];
    assert.deepEqual(
      seen.filter((reason) => reason !== "ForeignEndpoints"),
      reasons,
    );
  };
}

/** The version waits to be scaled down. */
export function retiring(version: string): Expectation {
  return async (app) =>
    assert.notEqual(await deadlineOf(app, version), undefined, `${version} has a deadline`);
}

export function notRetiring(version: string): Expectation {
  return async (app) => assert.equal(await deadlineOf(app, version), undefined, `${version} has no deadline`);
}

async function deadlineOf(app: ApplicationUnderTest, version: string): Promise<string | undefined> {
  return (await app.existingReplicaSet(version)).metadata.annotations?.[scaleDownDeadlineAnnotation];
}

/** Neither the Rollout nor anything that it made is left. */
export const gone: Expectation = async (app) => {
  assert.equal(await app.find(resources.rollouts, app.name), undefined, "the Rollout is gone");
  assert.deepEqual(await app.replicaSets(), [], "its ReplicaSets are gone");
  const { items } = await app.cluster.client.list(resources.pods, {
    namespace,
    labelSelector: `app=${app.name}`,
  });
  assert.deepEqual(items, [], "its pods are gone");
};

/** The Service bears no trace of a Rollout. */
export function unmanaged(serviceName: string): Expectation {
  return async (app) => {
    const service = await app.find<Service>(resources.services, serviceName);
    assert.ok(service, `Service ${serviceName} is there`);
    assert.equal(service.spec.selector?.[podTemplateHashLabel], undefined, "hash in the selector");
    assert.equal(service.metadata.annotations?.[managedByAnnotation], undefined, "owner's annotation");
  };
}
