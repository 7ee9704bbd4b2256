import type { KubernetesObject } from "../../../../api/core.ts";
import type { User } from "../../../../kubernetes/transport.ts";
import type { Store } from "../../../store/store.ts";
import type { BindingObject, RoleObject, RoleReference, Subject } from "./roles.ts";

export const roleCollections = {
  Role: "roles.rbac.authorization.k8s.io",
  ClusterRole: "clusterroles.rbac.authorization.k8s.io",
  RoleBinding: "rolebindings.rbac.authorization.k8s.io",
  ClusterRoleBinding: "clusterrolebindings.rbac.authorization.k8s.io",
} as const;

/** One subject of one binding. */
export interface Grant {
  readonly binding: BindingObject;
  readonly subject: Subject;
}

/** All bindings by whom they are for, so that a request looks at those of its user only. Kept up within each write. */
export class RoleIndex {
  readonly #store: Store;
  // By subject, then by the binding's namespace (empty for the cluster), then by its name.
  readonly #grants = new Map<string, Map<string, Map<string, Grant>>>();
  /** Grows whenever anything here changes. */
  generation = 0;

  constructor(store: Store) {
    this.#store = store;
    for (const collection of [roleCollections.RoleBinding, roleCollections.ClusterRoleBinding]) {
      const seen = new Map<string, BindingObject>();
      const replace = (object: KubernetesObject, isGone: boolean): void => {
        const key = `${namespaceOf(object)}/${object.metadata.name}`;
        const old = seen.get(key);
        if (old !== undefined) this.#remove(old);
        seen.delete(key);
        this.generation += 1;
        if (isGone) return;
        seen.set(key, object as BindingObject);
        this.#add(object as BindingObject);
      };
      for (const object of store.list(collection)) replace(object, false);
      store.listen(collection, ({ type, object }) => replace(object, type === "DELETED"));
    }
    for (const collection of [roleCollections.Role, roleCollections.ClusterRole])
      store.listen(collection, () => {
        this.generation += 1;
      });
  }

  /** What is granted to a user in the cluster and, where it is not empty, in a namespace. */
  grantsOf({ name, groups }: User, namespace: string): readonly Grant[] {
    const subjects = [`User ${name}`, ...groups.map((group) => `Group ${group}`)];
    const places = namespace === "" ? [""] : ["", namespace];
    return places.flatMap((place) =>
      subjects.flatMap((subject) => [...(this.#grants.get(subject)?.get(place)?.values() ?? [])]),
    );
  }

  /** The role that a binding in `namespace` means. */
  role({ kind, name }: RoleReference, namespace: string): RoleObject | undefined {
    const found =
      kind === "ClusterRole"
        ? this.#store.get(roleCollections.ClusterRole, "", name)
        : this.#store.get(roleCollections.Role, namespace, name);
    return found as RoleObject | undefined;
  }

  #add(binding: BindingObject): void {
    const namespace = namespaceOf(binding);
    for (const subject of binding.subjects ?? []) {
      const key = subjectKey(subject, namespace);
      const places = this.#grants.get(key) ?? new Map<string, Map<string, Grant>>();
      const grants = places.get(namespace) ?? new Map<string, Grant>();
      this.#grants.set(key, places.set(namespace, grants.set(binding.metadata.name, { binding, subject })));
    }
  }

  #remove(binding: BindingObject): void {
    const namespace = namespaceOf(binding);
    for (const subject of binding.subjects ?? []) {
      const key = subjectKey(subject, namespace);
      const places = this.#grants.get(key);
      const grants = places?.get(namespace);
      grants?.delete(binding.metadata.name);
      if (grants?.size === 0) places?.delete(namespace);
      if (places?.size === 0) this.#grants.delete(key);
    }
  }
}

function namespaceOf({ metadata }: KubernetesObject): string {
  return metadata.namespace ?? "";
}

// A service account is a user with a name of its own form.
function subjectKey({ kind, name, namespace }: Subject, ofBinding: string): string {
  if (kind !== "ServiceAccount") return `${kind} ${name}`;
  return `User system:serviceaccount:${namespace ?? ofBinding}:${name}`;
}
