import { createHash, timingSafeEqual } from "node:crypto";
import type { ApiRequest, User } from "../../../kubernetes/transport.ts";
import type { Clock } from "../../../time/clock.ts";
import type { Store } from "../../store/store.ts";
import type { ApiObject } from "../kinds/rules.ts";
import type { ResourceInfo } from "../resource-info.ts";
import { type Attributes, attributesOf } from "./attributes.ts";
import { type Authorizer, everybodyMayAll } from "./authorizer.ts";
import { forbiddenTo } from "./forbidden.ts";
import { EscalationCheck } from "./rbac/escalation.ts";
import { mastersGroup, RoleAuthorizer } from "./rbac/role-authorizer.ts";
import { RoleIndex } from "./rbac/role-index.ts";
import { issuer, ServiceAccountTokens, type TokenVerdict } from "./tokens/service-account-tokens.ts";
import { newSigningKey } from "./tokens/signing-key.ts";

/** Who decides: everybody whom the server knows may do everything, or roles say who may do what. */
export type AuthorizationMode = "everybody" | "rbac";

export interface AccessOptions {
  readonly authorization: AuthorizationMode;
  /** The token of the cluster's owner, who may do everything; without it there is none. */
  readonly ownerToken?: string;
  /** A private key of P-256 as PEM that signs the tokens of service accounts; a new one when absent. */
  readonly signingKey?: string;
  /** The authority of the server's certificate as PEM, for pods. */
  readonly authority?: string;
}

/** Who this server itself is, and every caller in its process that says nothing else. */
export const ownUser: User = { name: "system:apiserver", groups: [mastersGroup, "system:authenticated"] };

const owner: User = { name: "kubernetes-admin", groups: [mastersGroup, "system:authenticated"] };

/** Who asks, and who may do what, on one server. */
export class Access {
  readonly mode: AuthorizationMode;
  readonly authorizer: Authorizer;
  readonly tokens: ServiceAccountTokens;
  readonly authority: string | undefined;
  readonly #ownerDigest: Buffer | undefined;
  readonly #escalation: EscalationCheck | undefined;

  constructor(store: Store, clock: Clock, options: AccessOptions = { authorization: "everybody" }) {
    const { authorization, ownerToken, signingKey = newSigningKey(), authority } = options;
    this.mode = authorization;
    this.authority = authority;
    this.tokens = new ServiceAccountTokens(store, clock, signingKey);
    this.#ownerDigest = ownerToken === undefined ? undefined : digestOf(ownerToken);
    if (authorization === "everybody") this.authorizer = everybodyMayAll;
    else {
      const index = new RoleIndex(store);
      const authorizer = new RoleAuthorizer(index);
      this.authorizer = authorizer;
      this.#escalation = new EscalationCheck(index, authorizer);
    }
  }

  /** Whom a token stands for. Undefined for what nobody here has issued. @param audiences of which it must be for one. */
  verifyToken(token: string, audiences: readonly string[] = [issuer]): TokenVerdict | undefined {
    // Digests have one length, so the comparison takes the same time for every guess.
    if (this.#ownerDigest !== undefined && timingSafeEqual(digestOf(token), this.#ownerDigest)) {
      const shared = audiences.filter((one) => one === issuer);
      return shared.length === 0 ? { error: undefined } : { user: owner, audiences: shared };
    }
    return this.tokens.verify(token, audiences);
  }

  /** Throws a refusal when the user of a request may not make it. */
  checkRequest(user: User, request: ApiRequest): void {
    this.#check(user, attributesOf(request));
  }

  /** Throws a refusal when a user must not create an object by a request that is to change one, for which they have the right. */
  checkCreation(info: ResourceInfo, namespace: string, name: string, user: User = ownUser): void {
    const { group, version, plural: resource } = info;
    this.#check(user, { verb: "create", group, version, resource, subresource: "", namespace, name });
  }

  #check(user: User, attributes: Attributes): void {
    const { allowed, reason } = this.authorizer.authorize(user, attributes);
    if (!allowed) throw forbiddenTo(user, attributes, reason);
  }

  /** Throws a refusal when a user must not write this object, although they may write objects of its kind. */
  checkWrite(info: ResourceInfo, object: ApiObject, old: ApiObject | undefined, user: User = ownUser): void {
    this.#escalation?.check(info, object, old, user);
  }
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
