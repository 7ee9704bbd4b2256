import { type Fields, isFields } from "../../json.ts";
import { algorithm, type SigningKey } from "./signing-key.ts";

/** A JSON Web Token (RFC 7519) of these claims. */
export function signedToken(claims: Fields, key: SigningKey): string {
  const text = `${encoded({ alg: algorithm, kid: key.id })}.${encoded(claims)}`;
  return `${text}.${key.sign(text).toString("base64url")}`;
}

/**
 * The claims of a token that this key has signed; undefined for everything else. The token's own header is not asked how it wants to
 * be verified: there is one algorithm and one key, and a header that names others is refused.
 */
export function verifiedClaims(token: string, key: SigningKey): Fields | undefined {
  const [header = "", claims = "", signature = "", ...others] = token.split(".");
  if (others.length > 0) return undefined;
  const { alg, kid, crit } = decoded(header) ?? {};
  if (alg !== algorithm || kid !== key.id || crit !== undefined) return undefined;
  const bytes = Buffer.from(signature, "base64url");
  // Node reads more than one text as the same bytes; only one of them is the token.
  if (bytes.toString("base64url") !== signature) return undefined;
  return key.verifies(`${header}.${claims}`, bytes) ? decoded(claims) : undefined;
}

function encoded(value: Fields): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decoded(part: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
