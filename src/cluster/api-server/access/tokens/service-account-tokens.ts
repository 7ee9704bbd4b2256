import { createHash, randomUUID } from "node:crypto";
import type { KubernetesObject } from "../../../../api/core.ts";
import type { User } from "../../../../kubernetes/transport.ts";
import { type Clock, parseTime } from "../../../../time/clock.ts";
import type { Store } from "../../../store/store.ts";
import { type Fields, fieldsOf, listOf, textOf, withFields } from "../../json.ts";
import { SigningKey } from "./signing-key.ts";
import { signedToken, verifiedClaims } from "./web-token.ts";

/** Who issues the tokens: the name that the server has in every cluster, as kubeadm sets it. */
export const issuer = "https://kubernetes.default.svc.cluster.local";
/** Of tokens that are kept in Secrets, and never end. */
const secretIssuer = "kubernetes/serviceaccount";
const claimPrefix = "kubernetes.io/serviceaccount/";
const extraPrefix = "authentication.kubernetes.io/";

export interface TokenOrder {
  readonly account: KubernetesObject;
  readonly audiences: readonly string[];
  readonly seconds: number;
  /** What the token ends with, as the pod that uses it. */
  readonly bound: { readonly kind: "Pod" | "Secret" | "Node"; readonly object: KubernetesObject } | undefined;
}

/** Who a token stands for, and for which audiences of those that were asked for; or why it stands for nobody. */
export type TokenVerdict =
  | { readonly user: User; readonly audiences: readonly string[] }
  | { readonly error: string | undefined };

// A signature is checked once for each token that is used often.
const mostRemembered = 1000;

/** Issues and verifies the tokens of service accounts. */
export class ServiceAccountTokens {
  readonly key: SigningKey;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #verified = new Map<string, Fields>();

  constructor(store: Store, clock: Clock, pem: string) {
    this.#store = store;
    this.#clock = clock;
    this.key = new SigningKey(pem);
  }

  issue({ account, audiences, seconds, bound }: TokenOrder): string {
    const { namespace = "", name, uid } = account.metadata;
    const now = Math.floor(this.#clock.now() / 1000);
    const identity = (object: KubernetesObject) => ({ name: object.metadata.name, uid: object.metadata.uid });
    const node = bound?.kind === "Pod" ? this.#nodeOf(bound.object) : undefined;
    return signedToken(
      {
        aud: audiences,
        exp: now + seconds,
        iat: now,
        iss: issuer,
        jti: randomUUID(),
        "kubernetes.io": {
          namespace,
          ...(node === undefined ? {} : { node: identity(node) }),
          ...(bound === undefined ? {} : { [bound.kind.toLowerCase()]: identity(bound.object) }),
          serviceaccount: { name, uid },
        },
        nbf: now,
        sub: `system:serviceaccount:${namespace}:${name}`,
      },
      this.key,
    );
  }

  /** The token that is kept in a Secret: it lasts as long as the Secret and its account. */
  issueForSecret(account: KubernetesObject, secret: KubernetesObject): string {
    const { namespace = "", name, uid } = account.metadata;
    return signedToken(
      {
        iss: secretIssuer,
        [`${claimPrefix}namespace`]: namespace,
        [`${claimPrefix}secret.name`]: secret.metadata.name,
        [`${claimPrefix}service-account.name`]: name,
        [`${claimPrefix}service-account.uid`]: uid,
        sub: `system:serviceaccount:${namespace}:${name}`,
      },
      this.key,
    );
  }

  /** Undefined for what is no token of this server. @param audiences of which the token must be for one. */
  verify(token: string, audiences: readonly string[]): TokenVerdict | undefined {
    const claims = this.#claimsOf(token);
    if (claims === undefined) return undefined;
    return claims.iss === issuer
      ? this.#verifyIssued(claims, audiences)
      : this.#verifyKept(token, claims, audiences);
  }

  #claimsOf(token: string): Fields | undefined {
    const digest = createHash("sha256").update(token).digest("base64");
    const known = this.#verified.get(digest);
    if (known !== undefined) return known;
    const claims = verifiedClaims(token, this.key);
    if (claims === undefined) return undefined;
    if (this.#verified.size >= mostRemembered) this.#verified.clear();
    this.#verified.set(digest, claims);
    return claims;
  }

  #verifyIssued(claims: Fields, audiences: readonly string[]): TokenVerdict {
    const named = listOf(claims.aud).map(textOf);
    const shared = audiences.filter((one) => named.includes(one));
    if (shared.length === 0) {
      const quoted = (texts: readonly string[]) => `[${texts.map((text) => JSON.stringify(text)).join(" ")}]`;
      return {
        error: `token audiences ${quoted(named)} is invalid for the target audiences ${quoted(audiences)}`,
      };
    }
    const now = this.#clock.now() / 1000;
    if (Number(claims.exp) <= now) return { error: "service account token has expired" };
    if (Number(claims.nbf) > now) return { error: "service account token is not valid yet" };
    const { namespace, serviceaccount, pod, secret, node } = fieldsOf(claims["kubernetes.io"]);
    const account = fieldsOf(serviceaccount);
    const place = textOf(namespace);
    const error =
      this.#accountError(place, textOf(account.name), textOf(account.uid)) ??
      this.#boundError("pods", place, pod) ??
      this.#boundError("secrets", place, secret) ??
      (pod === undefined ? this.#boundError("nodes", "", node) : undefined);
    if (error !== undefined) return { error };
    const extra = {
      [`${extraPrefix}credential-id`]: [`JTI=${textOf(claims.jti)}`],
      ...extraOf("node", node),
      ...extraOf("pod", pod),
    };
    return { user: accountUser(place, textOf(account.name), textOf(account.uid), extra), audiences: shared };
  }

  #verifyKept(token: string, claims: Fields, audiences: readonly string[]): TokenVerdict {
    if (claims.iss !== secretIssuer) return { error: undefined };
    const claim = (name: string) => textOf(claims[`${claimPrefix}${name}`]);
    const [namespace, name, uid] = [
      claim("namespace"),
      claim("service-account.name"),
      claim("service-account.uid"),
    ];
    // It names no audience: it is for this server.
    if (!audiences.includes(issuer)) return { error: undefined };
    const error = this.#accountError(namespace, name, uid);
    if (error !== undefined) return { error };
    const secret = this.#store.get("secrets", namespace, claim("secret.name"));
    const kept = textOf(fieldsOf(fieldsOf(secret).data).token);
    if (kept !== Buffer.from(token).toString("base64"))
      return { error: "service account token has been invalidated" };
    return { user: accountUser(namespace, name, uid, {}), audiences: [issuer] };
  }

  #accountError(namespace: string, name: string, uid: string): string | undefined {
    const account = this.#store.get("serviceaccounts", namespace, name);
    if (account === undefined) return `serviceaccounts ${JSON.stringify(name)} not found`;
    if (account.metadata.uid !== uid)
      return `service account UID (${account.metadata.uid ?? ""}) does not match claim (${uid})`;
    return this.#isGone(account) ? `service account ${namespace}/${name} has been deleted` : undefined;
  }

  #boundError(collection: string, namespace: string, claim: unknown): string | undefined {
    if (claim === undefined) return undefined;
    const { name, uid } = fieldsOf(claim);
    const object = this.#store.get(collection, namespace, textOf(name));
    const isLost = object === undefined || object.metadata.uid !== uid || this.#isGone(object);
    return isLost ? "service account token has been invalidated" : undefined;
  }

  // What is being deleted, as a pod that ends, has a minute for its last requests.
  #isGone({ metadata }: KubernetesObject): boolean {
    const deleted =
      metadata.deletionTimestamp === undefined ? undefined : parseTime(metadata.deletionTimestamp);
    return deleted !== undefined && this.#clock.now() - deleted > 60_000;
  }

  #nodeOf(pod: KubernetesObject): KubernetesObject | undefined {
    const name = textOf(fieldsOf(fieldsOf(pod).spec).nodeName);
    return name === "" ? undefined : this.#store.get("nodes", "", name);
  }
}

/** The groups of a service account beside `system:authenticated`. */
export function accountGroups(namespace: string): readonly string[] {
  return ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];
}

function accountUser(namespace: string, name: string, uid: string, extra: NonNullable<User["extra"]>): User {
  const groups = [...accountGroups(namespace), "system:authenticated"];
  return { name: `system:serviceaccount:${namespace}:${name}`, uid, groups, extra };
}

function extraOf(kind: string, claim: unknown): Record<string, readonly string[]> {
  if (claim === undefined) return {};
  const { name, uid } = fieldsOf(claim);
  const uids = uid === undefined ? {} : { [`${extraPrefix}${kind}-uid`]: [textOf(uid)] };
  return withFields({ [`${extraPrefix}${kind}-name`]: [textOf(name)] }, uids);
}
