import type { ObjectMeta } from "./core.ts";
import { keepSupersededAnnotation } from "./names.ts";
import type { BlueGreenStrategy, Rollout, RolloutAnalysis, TemplateReference } from "./rollout.ts";

/** What a route carries: users' requests, or those of whoever tests the new version. */
export type Role = "active" | "preview";

const roles: readonly Role[] = ["active", "preview"];

/** A Service whose selector says which version it reaches. */
export interface ServiceRoute {
  readonly kind: "service";
  readonly role: Role;
  readonly namespace: string;
  readonly name: string;
  /** Where the spec names it. */
  readonly field: string;
}

/** A way in which requests reach a version. */
export type Route = ServiceRoute;

/** The same for the same route, whatever its role is and whoever names it. */
export function keyOfRoute({ kind, namespace, name }: Pick<Route, "kind" | "namespace" | "name">): string {
  return `${kind} ${namespace}/${name}`;
}

/** What the ways to bring out a new version have in common. */
interface Carried {
  /** Of users first; there is at least one, unless the Rollout is invalid. */
  readonly routes: readonly Route[];
  /** All that an update may have to pass. */
  readonly analyses: readonly AskedAnalysis[];
}

export interface AskedAnalysis {
  /** Where the spec asks for it. */
  readonly field: string;
  readonly templates: readonly TemplateReference[];
}

/** `spec.strategy.blueGreen` with every default filled in. Durations are seconds. */
export interface BlueGreen extends Carried {
  readonly kind: "blueGreen";
  /** Size of the new ReplicaSet until it is promoted; undefined: full size. */
  readonly previewReplicaCount: number | undefined;
  readonly autoPromotionEnabled: boolean;
  /** 0: no timed pause. */
  readonly autoPromotionSeconds: number;
  readonly scaleDownDelaySeconds: number;
  /** How many superseded ReplicaSets may wait for their deadline; the older ones go at once. */
  readonly scaleDownDelayRevisionLimit: number;
  /** 0: an aborted ReplicaSet is never scaled down. */
  readonly abortScaleDownDelaySeconds: number;
  /** Superseded ReplicaSets keep their pods until somebody else scales them down; no deadline, no limit of them. */
  readonly keepSuperseded: boolean;
  readonly prePromotionAnalysis: RolloutAnalysis | undefined;
  readonly postPromotionAnalysis: RolloutAnalysis | undefined;
}

/** The ways to bring out a new version. Parsed here once; nothing else asks which field of `spec.strategy` is set. */
export type Strategy = BlueGreen | { readonly kind: "canary" } | { readonly kind: "none" };

const notCarried: Carried = { routes: [], analyses: [] };

/** Every route that the Rollout names, as far as Teal knows its strategy. */
export function routesOf(rollout: Rollout): readonly Route[] {
  return carriedBy(rollout).routes;
}

/** Every analysis that the Rollout asks for, as far as Teal knows its strategy. */
export function analysesOf(rollout: Rollout): readonly AskedAnalysis[] {
  return carriedBy(rollout).analyses;
}

function carriedBy(rollout: Rollout): Carried {
  const strategy = strategyOf(rollout);
  return "routes" in strategy ? strategy : notCarried;
}

export function strategyOf(rollout: Rollout): Strategy {
  const { blueGreen, canary } = rollout.spec?.strategy ?? {};
  if (blueGreen !== undefined) return parseBlueGreen(blueGreen, rollout.metadata);
  return { kind: canary === undefined ? "none" : "canary" };
}

function parseBlueGreen(wire: BlueGreenStrategy, { annotations, namespace = "" }: ObjectMeta): BlueGreen {
  return {
    kind: "blueGreen",
    routes: roles.flatMap((role) => {
      const name = wire[`${role}Service`] ?? "";
      const field = `spec.strategy.blueGreen.${role}Service`;
      return name === "" ? [] : [{ kind: "service" as const, role, namespace, name, field }];
    }),
    analyses: (["prePromotionAnalysis", "postPromotionAnalysis"] as const).flatMap((name) => {
      const { templates } = wire[name] ?? {};
      const field = `spec.strategy.blueGreen.${name}`;
      return wire[name] === undefined ? [] : [{ field, templates: templates ?? [] }];
    }),
    previewReplicaCount: wire.previewReplicaCount,
    autoPromotionEnabled: wire.autoPromotionEnabled ?? true,
    autoPromotionSeconds: wire.autoPromotionSeconds ?? 0,
    scaleDownDelaySeconds: wire.scaleDownDelaySeconds ?? 30,
    scaleDownDelayRevisionLimit: wire.scaleDownDelayRevisionLimit ?? Number.POSITIVE_INFINITY,
    abortScaleDownDelaySeconds: wire.abortScaleDownDelaySeconds ?? 30,
    keepSuperseded: annotations?.[keepSupersededAnnotation] === "true",
    prePromotionAnalysis: wire.prePromotionAnalysis,
    postPromotionAnalysis: wire.postPromotionAnalysis,
  };
}

export const defaultReplicas = 1;
export const defaultRevisionHistoryLimit = 10;
export const defaultProgressDeadlineSeconds = 600;
