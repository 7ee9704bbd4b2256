import { ApiError } from "./errors.ts";

const connectionCauses: Readonly<Record<string, string>> = {
  ECONNREFUSED:
    "nothing listens there; start the cluster, or choose another one with --kubeconfig or --context",
  ENOTFOUND: "the host name is not known; check the server's address in the kubeconfig",
  EAI_AGAIN: "the host name cannot be looked up; check the network",
  EHOSTUNREACH: "there is no way to this host; check the network",
  ENETUNREACH: "there is no way to this network; check the network",
  ETIMEDOUT: "the host does not answer; check the network and the server's address",
  ECONNRESET: "the connection was closed before the answer came",
  EPIPE: "the connection was closed before the answer came",
  UND_ERR_SOCKET: "the connection was closed before the answer came",
  UND_ERR_CONNECT_TIMEOUT: "the host does not answer; check the network and the server's address",
  UND_ERR_HEADERS_OVERFLOW: "its answer's head is too long; is a proxy or another program at this address?",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "its answer has another length than it said; is a proxy in between?",
  Z_DATA_ERROR: "its answer is not packed as it says; is a proxy in between?",
  Z_BUF_ERROR: "its packed answer was cut off",
  ERR_SSL_WRONG_VERSION_NUMBER:
    "what listens there does not speak TLS; correct the scheme or the port of the server's address",
  CERT_HAS_EXPIRED: "the server's certificate has expired; renew it",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "the server's certificate is for another host; correct the server's address or set tls-server-name in the kubeconfig",
};

const brokenConnection = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"]);

const untrustedCertificate = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "CERT_SIGNATURE_FAILURE",
]);

/** What to tell people when no answer came from `server`: where, why, and the way out. */
export function unreachable(server: string, cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause;
  const text = `no answer from the Kubernetes API at ${server}: ${explain(cause)}`;
  return new ApiError("unreachable", text, 0, undefined, { cause });
}

/** Whether the connection was closed while it was used, or in the moment in which it was to be used. */
export function isBrokenConnection(error: unknown): boolean {
  return brokenConnection.has(codeOf(error) ?? "");
}

/** Whether client and server could not agree that they trust each other, as after a certificate was replaced. */
export function isAboutTrust(error: unknown): boolean {
  const code = codeOf(error) ?? "";
  return untrustedCertificate.has(code) || /^(CERT_|ERR_OSSL_|ERR_SSL_)/.test(code);
}

function explain(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // A host name with several addresses fails with one error for each of them.
  const first = cause instanceof AggregateError && cause.message === "" ? cause.errors[0] : cause;
  const code = codeOf(cause) ?? codeOf(first);
  if (code !== undefined && untrustedCertificate.has(code)) {
    return `its certificate is not signed by the kubeconfig's certificate-authority; use the kubeconfig of this very cluster (${code})`;
  }
  if (cause.name === "HTTPParserError" || cause.message.includes("HTTP/1.1 protocol"))
    return `what it answers is not HTTP; is another program at this address? (${cause.message})`;
  const known = code === undefined ? undefined : connectionCauses[code];
  if (known !== undefined) return `${known} (${code})`;
  if (code?.startsWith("ERR_SSL_") === true)
    return `it and this program could not agree on TLS; check the client certificate and the address (${code})`;
  return first instanceof Error ? first.message : cause.message;
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
