import { generatedName } from "../../identity.ts";
import { type Fields, fieldsIn, fieldsOf, textOf } from "../../json.ts";
import { forbidden } from "../../refusal.ts";
import type { ApiObject, WriteContext } from "../rules.ts";

/** Where programs look for the token of their ServiceAccount. */
const accessPath = "/var/run/secrets/kubernetes.io/serviceaccount";
const volumePrefix = "kube-api-access-";
const defaultAccount = "default";
// An hour and seven seconds: programs that ask for an hour are told apart from those that ask for nothing.
const tokenSeconds = 3607;

const accessVolume: Fields = {
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { expirationSeconds: tokenSeconds, path: "token" } },
      { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
      {
        downwardAPI: {
          items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
        },
      },
    ],
  },
};

/**
 * The spec of a new pod with its ServiceAccount and what that brings: secrets to pull images with, and a volume to reach the API
 * with in each container that mounts nothing there. As the admission plugin ServiceAccount of a real server (measured on v1.34.4).
 * Throws a refusal when there is no such account.
 */
export function withServiceAccount({ metadata, spec }: ApiObject, context: WriteContext): Fields {
  const given = fieldsOf(spec);
  const name = textOf(given.serviceAccountName) || defaultAccount;
  const { namespace = "" } = metadata;
  const account = context.find("serviceaccounts", namespace, name);
  // Every namespace gets its default account, as it was made, soon after it is there: a real server waits for it a second or so.
  if (account === undefined && name !== defaultAccount)
    throw forbidden(
      { group: "", plural: "pods" },
      metadata.name,
      `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`,
    );
  const pullSecrets = fieldsIn(account?.imagePullSecrets);
  const named = {
    ...given,
    serviceAccountName: name,
    serviceAccount: name,
    ...(given.imagePullSecrets === undefined && pullSecrets.length > 0 && { imagePullSecrets: pullSecrets }),
  };
  const wantsToken = given.automountServiceAccountToken ?? account?.automountServiceAccountToken ?? true;
  return wantsToken === true ? withAccess(named, context) : named;
}

function withAccess(spec: Fields, { random }: WriteContext): Fields {
  const containers = fieldsIn(spec.containers);
  const initContainers = fieldsIn(spec.initContainers);
  if ([...containers, ...initContainers].every(mountsAccess)) return spec;
  const volumes = fieldsIn(spec.volumes);
  const own = volumes.map((volume) => textOf(volume.name)).find((name) => name.startsWith(volumePrefix));
  const name = own ?? generatedName(volumePrefix, random);
  const mount = { name, mountPath: accessPath, readOnly: true };
  const mounted = (container: Fields): Fields =>
    mountsAccess(container)
      ? container
      : { ...container, volumeMounts: [...fieldsIn(container.volumeMounts), mount] };
  return {
    ...spec,
    containers: containers.map(mounted),
    ...(initContainers.length > 0 && { initContainers: initContainers.map(mounted) }),
    volumes: own === undefined ? [...volumes, { name, ...accessVolume }] : volumes,
  };
}

function mountsAccess({ volumeMounts }: Fields): boolean {
  return fieldsIn(volumeMounts).some(({ mountPath }) => mountPath === accessPath);
}
