import type { KubernetesObject, OwnerReference } from "../../api/core.ts";
import { apiVersionOf, type Resource } from "../../api/resources.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { unlessGone } from "../../kubernetes/errors.ts";

/** The reference by which an object says that `owner` is responsible for it. */
export function ownerReferenceTo(resource: Resource, { metadata }: KubernetesObject): OwnerReference {
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    name: metadata.name,
    uid: metadata.uid ?? "",
    controller: true,
    blockOwnerDeletion: true,
  };
}

export interface Claim<D extends KubernetesObject> {
  readonly client: KubernetesClient;
  readonly owner: KubernetesObject;
  readonly ownerResource: Resource;
  /** Of what is claimed. */
  readonly resource: Resource;
  /** What names the owner as its controller. */
  readonly owned: readonly D[];
  /** What has no controller, in the owner's namespace. */
  readonly orphans: readonly D[];
  /** Whether the owner's selector takes it. */
  readonly takes: (object: D) => boolean;
  /** Metadata that goes with the ownership: finalizers that are put on at adoption and taken off at release. */
  readonly finalizer?: string;
}

/** Gives up what the selector no longer takes, and takes what it does and nobody has. The cache tells of both afterwards. */
export async function claim<D extends KubernetesObject>(claimed: Claim<D>): Promise<void> {
  const { client, owner, ownerResource, resource, owned, orphans, takes, finalizer } = claimed;
  const set = async (object: D, change: object): Promise<void> => {
    const { namespace, name, uid, resourceVersion } = object.metadata;
    const body = { metadata: { uid, resourceVersion, ...change } };
    await client.patch(resource, namespace, name, { type: "merge", body }).catch(unlessGone);
  };
  const finalizersOf = ({ metadata }: D) => (metadata.finalizers ?? []).filter((one) => one !== finalizer);
  for (const object of owned) {
    if (takes(object)) continue;
    const others = object.metadata.ownerReferences?.filter(({ uid }) => uid !== owner.metadata.uid) ?? [];
    await set(object, {
      ownerReferences: others,
      ...(finalizer === undefined ? {} : { finalizers: finalizersOf(object) }),
    });
  }
  const wanted = orphans.filter(takes);
  if (wanted.length === 0 || !(await isStillThere(client, ownerResource, owner))) return;
  for (const object of wanted) {
    const ownerReferences = [
      ...(object.metadata.ownerReferences ?? []),
      ownerReferenceTo(ownerResource, owner),
    ];
    await set(object, {
      ownerReferences,
      ...(finalizer === undefined ? {} : { finalizers: [...finalizersOf(object), finalizer] }),
    });
  }
}

// The cache may show an owner that is already being deleted; what it adopted now would be deleted with it.
async function isStillThere(
  client: KubernetesClient,
  resource: Resource,
  { metadata }: KubernetesObject,
): Promise<boolean> {
  const current = await client
    .get<KubernetesObject>(resource, metadata.namespace, metadata.name)
    .catch(unlessGone);
  return current?.metadata.uid === metadata.uid && current?.metadata.deletionTimestamp === undefined;
}
