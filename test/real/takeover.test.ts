import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { resources } from "../../src/api/resources.ts";
import { openCustomResourceDefinitions } from "../../src/api/schema/open-kinds.ts";
import { ApiError } from "../../src/kubernetes/errors.ts";
import { freePort } from "../acceptance/teal-process.ts";
import { Cell, Laboratory } from "./bed/cell.ts";
import { ControllerProcess } from "./bed/controller-process.ts";
import { noFault } from "./bed/faults.ts";
import type { Setting } from "./bed/manifests.ts";

// Argo's controller brings Rollouts to some state, ends, and Teal goes on. ARGO_ROLLOUTS_CONTROLLER is the path of the
// program (`rollouts-controller` of Argo Rollouts); without it there is nothing to take over from.
const argo = process.env["ARGO_ROLLOUTS_CONTROLLER"];
const long = { scaleDownDelaySeconds: 3600, abortScaleDownDelaySeconds: 3600 };
const paused = { phase: "Paused", reason: "BlueGreenPause" };
const labels = {
  activeMetadata: { labels: { role: "active" } },
  previewMetadata: { labels: { role: "preview" } },
};
const antiAffinity = { preferredDuringSchedulingIgnoredDuringExecution: { weight: 1 } };
const on = (version: string) => ({ active: version, stable: version, live: version });

interface Takeover {
  readonly name: string;
  readonly setting: Setting;
  /** What happens under Argo. */
  readonly before: (cell: Cell) => Promise<void>;
  /** What Teal makes of it afterwards; that nothing happens at first is checked for all. */
  readonly goesOn: (cell: Cell) => Promise<void>;
}

const healthy = async (cell: Cell): Promise<void> => {
  await cell.deploy("v1");
  await cell.until({ phase: "Healthy", ...on("v1"), preview: "v1", available: { v1: 2 } });
};
const waiting = async (cell: Cell): Promise<void> => {
  await healthy(cell);
  await cell.deploy("v2");
  await cell.until({ ...paused, ...on("v1"), preview: "v2", available: { v1: 2, v2: 2 } });
};
const updated = async (cell: Cell): Promise<void> => {
  await waiting(cell);
  await cell.promote("v2");
  await cell.until({ phase: "Healthy", ...on("v2"), sizes: { v1: 2, v2: 2 } });
};
const aborted = async (cell: Cell): Promise<void> => {
  await waiting(cell);
  await cell.abort();
  await cell.until({ phase: "Degraded", isAborted: true, ...on("v1"), sizes: { v1: 2, v2: 2 } });
};

const promotes = async (cell: Cell): Promise<void> => {
  await cell.promote("v2");
  await cell.end({ phase: "Healthy", ...on("v2"), sizes: { v1: 2, v2: 2 } });
};
const releases = async (cell: Cell): Promise<void> => {
  cell.allow("v2");
  await cell.deploy("v2");
  await cell.when(
    ({ phase, active, preview }) => (phase === "Paused" && preview === "v2") || active === "v2",
    "expected v2 to come",
  );
  if (cell.room.view().active !== "v2") await cell.promote("v2");
  await cell.end({ phase: "Healthy", ...on("v2"), sizes: { v1: 2, v2: 2 } });
};
const goesBack = async (cell: Cell): Promise<void> => {
  await cell.deploy("v1");
  await cell.end({ phase: "Healthy", ...on("v1"), sizes: { v1: 2, v2: 2 } });
};
const retries = async (cell: Cell): Promise<void> => {
  await cell.retry();
  await cell.until({ ...paused, preview: "v2" });
  await promotes(cell);
};

const takeovers: readonly Takeover[] = [
  { name: "a healthy one", setting: { strategy: long }, before: healthy, goesOn: releases },
  { name: "one that waits for approval", setting: { strategy: long }, before: waiting, goesOn: promotes },
  { name: "one with a warm old version", setting: { strategy: long }, before: updated, goesOn: goesBack },
  { name: "an aborted one", setting: { strategy: long }, before: aborted, goesOn: retries },
  {
    name: "a healthy one with metadata of its roles",
    setting: { strategy: { ...long, ...labels, autoPromotionEnabled: true } },
    before: healthy,
    goesOn: releases,
  },
  {
    name: "one that waits, with metadata of its roles",
    setting: { strategy: { ...long, ...labels } },
    before: waiting,
    goesOn: promotes,
  },
  {
    name: "one with metadata of its roles and a warm old version",
    setting: { strategy: { ...long, ...labels } },
    before: updated,
    goesOn: goesBack,
  },
  {
    name: "one that waits, with anti-affinity",
    setting: { strategy: { ...long, antiAffinity } },
    before: waiting,
    goesOn: promotes,
  },
  {
    name: "one with anti-affinity and a warm old version",
    setting: { strategy: { ...long, antiAffinity } },
    before: updated,
    goesOn: goesBack,
  },
];

const skip = argo === undefined ? "ARGO_ROLLOUTS_CONTROLLER names no program" : false;

describe("Teal takes over from Argo's controller", { skip, concurrency: 3 }, async () => {
  if (argo === undefined) return;
  const laboratory = await Laboratory.open();
  after(() => laboratory.close());
  await installKindsOfArgo(laboratory);
  for (const takeover of takeovers) test(takeover.name, () => play(laboratory, argo, takeover));
});

async function play(laboratory: Laboratory, program: string, takeover: Takeover): Promise<void> {
  const { name, setting } = takeover;
  const ports = [await freePort(), await freePort()];
  const cell = await Cell.open(laboratory, name, setting, noFault, (namespace) => {
    const { kubeconfig } = laboratory.cluster;
    return argoController(program, namespace, kubeconfig, ports);
  });
  try {
    await takeover.before(cell);
    const { sizes, phase, reason, active, preview, stable, live } = cell.room.view();
    const pods = cell.room.podNames();
    await cell.handOver();
    const moment = Date.now();
    await cell.looksAgain();
    await cell.until({ sizes, phase, reason, active, preview, stable, live });
    await cell.looksAgain();
    assert.deepEqual(cell.room.podNames(), pods, "the same pods");
    assert.deepEqual(cell.room.phasesSince(moment), [phase], "no change of phase");
    assert.deepEqual(cell.room.view().sizes, sizes, "no change of sizes");
    await takeover.goesOn(cell);
  } catch (error) {
    process.stdout.write(`${name}: ${cell.report()}\n`);
    throw error;
  } finally {
    await cell.close();
  }
}

function argoController(
  program: string,
  namespace: string,
  kubeconfig: string,
  [metrics, health]: readonly number[],
): ControllerProcess {
  return new ControllerProcess(program, [
    "--namespaced",
    `--namespace=${namespace}`,
    `--kubeconfig=${kubeconfig}`,
    `--metricsPort=${metrics}`,
    `--healthzPort=${health}`,
    "--leader-elect=false",
  ]);
}

/** Argo's controller does not start where one of its kinds is missing. */
async function installKindsOfArgo({ cluster }: Laboratory): Promise<void> {
  const [pattern] = openCustomResourceDefinitions() as { metadata: object; spec: object }[];
  const templates = [
    { kind: "AnalysisTemplate", scope: "Namespaced" },
    { kind: "ClusterAnalysisTemplate", scope: "Cluster" },
  ].map(({ kind, scope }) => {
    const [singular, plural] = [kind.toLowerCase(), `${kind.toLowerCase()}s`];
    const names = { kind, listKind: `${kind}List`, singular, plural };
    return {
      ...pattern,
      metadata: { ...pattern?.metadata, name: `${plural}.${resources.rollouts.group}` },
      spec: { ...pattern?.spec, scope, names },
    };
  });
  for (const definition of [...openCustomResourceDefinitions(), ...templates]) {
    await cluster.client
      .create(resources.customResourceDefinitions, undefined, definition)
      .catch((error: unknown) => {
        if (!(error instanceof ApiError) || error.kind !== "alreadyExists") throw error;
      });
  }
}
