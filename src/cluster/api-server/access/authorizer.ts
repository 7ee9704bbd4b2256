import type { User } from "../../../kubernetes/transport.ts";
import type { Attributes } from "./attributes.ts";

export interface Decision {
  readonly allowed: boolean;
  /** Why, for people; may be empty. */
  readonly reason: string;
}

export interface ResourceRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
}

export interface PathRule {
  readonly verbs: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

/** All that somebody may do in one namespace. */
export interface Permissions {
  readonly resourceRules: readonly ResourceRule[];
  readonly nonResourceRules: readonly PathRule[];
  /** Why this may not be all, as roles that are bound and not there; absent when it is. */
  readonly evaluationError?: string;
}

/** Decides who may do what. */
export interface Authorizer {
  authorize(user: User, attributes: Attributes): Decision;
  permissions(user: User, namespace: string): Permissions;
}

/** For a cluster whose users are all its owner. */
export const everybodyMayAll: Authorizer = {
  authorize: () => ({ allowed: true, reason: "" }),
  permissions: () => ({
    resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
    nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
  }),
};
