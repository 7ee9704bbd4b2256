import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";

/** The one algorithm of this server's tokens: ECDSA over P-256 with SHA-256 (RFC 7518, section 3.4). */
export const algorithm = "ES256";

/** Signs the tokens of service accounts, and knows its own signatures. */
export class SigningKey {
  /** A name that goes with the key: the digest of its public half. */
  readonly id: string;
  readonly #private: KeyObject;
  readonly #public: KeyObject;

  constructor(pem: string) {
    this.#private = createPrivateKey(pem);
    this.#public = createPublicKey(this.#private);
    if (this.#public.asymmetricKeyDetails?.namedCurve !== "prime256v1")
      throw new Error("the key that signs tokens must be one of the curve P-256");
    const spki = this.#public.export({ type: "spki", format: "der" });
    this.id = createHash("sha256").update(spki).digest("base64url");
  }

  /** The public half, as others are told it. */
  get jwk(): JsonWebKey & { readonly kid: string } {
    const { kty, crv, x, y } = this.#public.export({ format: "jwk" });
    return { use: "sig", kty, kid: this.id, crv, alg: algorithm, x, y } as JsonWebKey & {
      readonly kid: string;
    };
  }

  sign(text: string): Buffer {
    return sign("sha256", Buffer.from(text), { key: this.#private, dsaEncoding: "ieee-p1363" });
  }

  verifies(text: string, signature: Buffer): boolean {
    return verify("sha256", Buffer.from(text), { key: this.#public, dsaEncoding: "ieee-p1363" }, signature);
  }
}

/** Whether a text is such a key. */
export function isSigningKey(pem: string): boolean {
  try {
    return new SigningKey(pem).id !== "";
  } catch {
    // Damaged, or of another kind.
    return false;
  }
}

/** A new key as PEM. */
export function newSigningKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }) as string;
}
