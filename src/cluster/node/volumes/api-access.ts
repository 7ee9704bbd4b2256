import type { Pod } from "../../../api/core.ts";
import type { Volume } from "../../../api/volumes.ts";

/** Where programs look for the token of their ServiceAccount. */
export const apiAccessPath = "/var/run/secrets/kubernetes.io/serviceaccount";

// As Kubernetes has it; no volume of a manifest can have such a name.
const name = ".api-access";
const tokenSeconds = 3607;
const volume: Volume = {
  name,
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { path: "token", expirationSeconds: tokenSeconds } },
      { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
      { downwardAPI: { items: [{ path: "namespace", fieldRef: { fieldPath: "metadata.namespace" } }] } },
    ],
  },
};

/** The volume that pods have without asking for it; undefined for one that does not want it or brings its own. */
export function apiAccessOf({ spec }: Pod): Volume | undefined {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const bringsOwn = containers.some(({ volumeMounts = [] }) =>
    volumeMounts.some(({ mountPath }) => mountPath === apiAccessPath),
  );
  return spec.automountServiceAccountToken === false || bringsOwn ? undefined : volume;
}
