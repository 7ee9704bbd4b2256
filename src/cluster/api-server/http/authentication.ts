import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type PeerCertificate, TLSSocket } from "node:tls";
import type { User } from "../../../kubernetes/transport.ts";
import type { Clock } from "../../../time/clock.ts";
import type { Access } from "../access/access.ts";
import { Refusal } from "../refusal.ts";

const anonymous: User = { name: "system:anonymous", groups: ["system:unauthenticated"] };

/** Paths that tell nothing about the cluster and are open to everybody, whoever decides about the others. */
const openPaths = new Set(["/healthz", "/livez", "/readyz", "/version"]);

/**
 * Finds out who asks: the holder of a certificate that the cluster's authority has signed, or else of a token. Who shows neither is
 * anonymous where roles say what that means, and is refused elsewhere; who shows a wrong one is refused always.
 */
export class Authentication {
  readonly #access: Access;
  readonly #clock: Clock;

  constructor(access: Access, clock: Clock) {
    this.#access = access;
    this.#clock = clock;
  }

  /** Throws a refusal (401). */
  userOf(request: IncomingMessage, path: string): User {
    const certificate = certificateOf(request);
    if (certificate !== undefined) {
      const user = this.#userOfCertificate(certificate);
      if (user !== undefined) return user;
    }
    const token = bearerToken(request.headers.authorization);
    if (token !== undefined) {
      const verdict = this.#access.verifyToken(token);
      if (verdict !== undefined && "user" in verdict) return verdict.user;
    }
    const hasShownNothing = certificate === undefined && token === undefined;
    const isOpen = this.#access.mode === "rbac" || openPaths.has(path);
    if (hasShownNothing && isOpen) return anonymous;
    throw new Refusal(401, "Unauthorized", "Unauthorized");
  }

  // A connection may outlast the certificate that it was opened with.
  #userOfCertificate({ isTrusted, certificate }: ShownCertificate): User | undefined {
    const { subject, valid_to: validTo, raw } = certificate;
    const name = [subject.CN].flat().at(-1);
    if (!isTrusted || name === undefined || name === "" || Date.parse(validTo) < this.#clock.now())
      return undefined;
    const groups = [subject.O ?? []].flat();
    return {
      name,
      groups: groups.includes("system:authenticated") ? groups : [...groups, "system:authenticated"],
      extra: { "authentication.kubernetes.io/credential-id": [`X509SHA256=${digestOf(raw)}`] },
    };
  }
}

interface ShownCertificate {
  readonly isTrusted: boolean;
  readonly certificate: PeerCertificate;
}

function certificateOf({ socket }: IncomingMessage): ShownCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const certificate = socket.getPeerCertificate();
  // An empty object stands for none.
  return Object.keys(certificate).length === 0 ? undefined : { isTrusted: socket.authorized, certificate };
}

function bearerToken(authorization: string | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
}

function digestOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
