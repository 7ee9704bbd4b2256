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
  CERT_HAS_EXPIRED: "the server's certificate has expired; renew it",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "the server's certificate is for another host; correct the server's address or set tls-server-name in the kubeconfig",
};

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

function explain(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // A host name with several addresses fails with one error for each of them.
  const first = cause instanceof AggregateError && cause.message === "" ? cause.errors[0] : cause;
  const code = codeOf(cause) ?? codeOf(first);
  if (code !== undefined && untrustedCertificate.has(code)) {
    return `its certificate is not signed by the kubeconfig's certificate-authority; use the kubeconfig of this very cluster (${code})`;
  }
  const known = code === undefined ? undefined : connectionCauses[code];
  if (known !== undefined) return `${known} (${code})`;
  return first instanceof Error ? first.message : cause.message;
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
