import { issuer, type ServiceAccountTokens } from "../access/tokens/service-account-tokens.ts";
import { algorithm } from "../access/tokens/signing-key.ts";
import type { Answer } from "./answer.ts";

const keysPath = "/openid/v1/jwks";
const headers = { "Cache-Control": "public, max-age=3600" };

/** What others need to verify the tokens of service accounts (OpenID Connect Discovery 1.0); undefined at another path. */
export function issuerDocument(
  path: string,
  tokens: ServiceAccountTokens,
  address: string,
): Answer | undefined {
  if (path === keysPath) {
    const body = JSON.stringify({ keys: [tokens.key.jwk] });
    return { code: 200, body, contentType: "application/jwk-set+json", headers };
  }
  if (path !== "/.well-known/openid-configuration") return undefined;
  const body = JSON.stringify({
    issuer,
    jwks_uri: `https://${address}${keysPath}`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [algorithm],
  });
  return { code: 200, body, contentType: "application/json", headers };
}
