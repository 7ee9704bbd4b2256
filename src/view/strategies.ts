import type { Rollout } from "../api/rollout.ts";
import { type Strategy, strategyOf } from "../api/strategy.ts";
import { blueGreenWaits } from "../rollout/blue-green/waits.ts";
import type { Waits } from "../rollout/strategy.ts";

/** What a ReplicaSet is to its Rollout, in the order in which the roles are named. */
export const roles = ["canary", "stable", "active", "preview"] as const;
export type Role = (typeof roles)[number];

/** What people are shown of a way to bring out new versions, beside what all have in common. */
interface StrategyView {
  /** In the words of `kubectl argo rollouts`. */
  readonly name: string;
  /** Roles of the version with this hash, besides being stable. */
  roles(rollout: Rollout, hash: string): readonly Role[];
  /** The version that users are on; undefined where the status does not say it. */
  liveHash(rollout: Rollout): string | undefined;
  /** What ends a wait. */
  readonly waits: Waits;
  /** The update moves all users at once, so its new version must be whole. */
  readonly isWhole: boolean;
  /** Whether an update under way will stop and wait for somebody, or for a timer. */
  hasGateAhead(rollout: Rollout): boolean;
  /** For how many seconds a pause that began by itself lasts; undefined: until somebody ends it. */
  pauseSeconds(rollout: Rollout): number | undefined;
}

// What Teal does not carry out is another controller's, and pauses as blue-green does.
const ofOthers: Omit<StrategyView, "name"> = {
  roles: () => [],
  liveHash: () => undefined,
  waits: blueGreenWaits,
  isWhole: false,
  hasGateAhead: () => true,
  pauseSeconds: () => undefined,
};

const views: Readonly<Record<Strategy["kind"], StrategyView>> = {
  blueGreen: {
    name: "BlueGreen",
    roles({ status }, hash) {
      const { activeSelector, previewSelector } = status?.blueGreen ?? {};
      return activeSelector === hash ? ["active"] : previewSelector === hash ? ["preview"] : [];
    },
    liveHash: ({ status }) => status?.blueGreen?.activeSelector ?? status?.stableRS,
    waits: blueGreenWaits,
    isWhole: true,
    hasGateAhead(rollout) {
      const { autoPromotionEnabled = true, autoPromotionSeconds = 0 } =
        rollout.spec.strategy?.blueGreen ?? {};
      const { status } = rollout;
      const isSwitched = status?.blueGreen?.activeSelector === status?.currentPodHash;
      return (
        (!autoPromotionEnabled || autoPromotionSeconds > 0) && !isSwitched && status?.promoteFull !== true
      );
    },
    pauseSeconds({ spec }) {
      const { autoPromotionEnabled = true, autoPromotionSeconds = 0 } = spec.strategy?.blueGreen ?? {};
      return autoPromotionEnabled && autoPromotionSeconds > 0 ? autoPromotionSeconds : undefined;
    },
  },
  canary: {
    ...ofOthers,
    name: "Canary",
    roles: ({ status }, hash) =>
      status?.currentPodHash === hash && status.stableRS !== hash ? ["canary"] : [],
  },
  none: { ...ofOthers, name: "unknown" },
};

export function strategyView(rollout: Rollout): StrategyView {
  return views[strategyOf(rollout).kind];
}
