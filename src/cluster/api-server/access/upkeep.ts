import type { KubernetesObject } from "../../../api/core.ts";
import { keyOf } from "../../../api/metadata.ts";
import { WriteFailed } from "../../store/journal.ts";
import type { Store } from "../../store/store.ts";
import { fieldsOf, textOf } from "../json.ts";
import type { Access } from "./access.ts";
import { aggregateClusterRoles } from "./rbac/aggregation.ts";
import { roleCollections } from "./rbac/role-index.ts";

const accountNameAnnotation = "kubernetes.io/service-account.name";
const accountTokenType = "kubernetes.io/service-account-token";
const accountUidAnnotation = "kubernetes.io/service-account.uid";

/**
 * What follows at once from a write about access: ClusterRoles are put together anew, and Secrets for the token of an account are
 * filled, or removed with the account. Listens within each write, and acts when it is told that the write is over.
 */
export class AccessUpkeep {
  readonly #store: Store;
  readonly #access: Access;
  readonly #due = new Map<string, KubernetesObject>();
  #hasRoleChanged = false;

  constructor(store: Store, access: Access) {
    this.#store = store;
    this.#access = access;
    store.listen(roleCollections.ClusterRole, () => {
      this.#hasRoleChanged = true;
    });
    store.listen("secrets", ({ type, object }) => {
      if (type !== "DELETED" && isTokenSecret(object)) this.#due.set(keyOf(object), object);
    });
    store.listen("serviceaccounts", ({ type, object }) => {
      if (type !== "DELETED") return;
      for (const secret of store.list("secrets", object.metadata.namespace ?? ""))
        if (isTokenSecret(secret)) this.#due.set(keyOf(secret), secret);
    });
  }

  /** What cannot be written now stays due for the next time: the write that is over has succeeded. */
  run(): void {
    try {
      if (this.#hasRoleChanged) aggregateClusterRoles(this.#store);
      this.#hasRoleChanged = false;
      for (const [key, { metadata }] of this.#due) {
        const secret = this.#store.get("secrets", metadata.namespace ?? "", metadata.name);
        if (secret !== undefined) this.#tend(secret);
        // With what was heard just now: that it was filled.
        this.#due.delete(key);
      }
    } catch (error) {
      if (!(error instanceof WriteFailed)) throw error;
    }
  }

  #tend(secret: KubernetesObject): void {
    const { namespace = "", name, annotations = {} } = secret.metadata;
    const account = this.#store.get("serviceaccounts", namespace, annotations[accountNameAnnotation] ?? "");
    const isOfAnother =
      annotations[accountUidAnnotation] !== undefined &&
      annotations[accountUidAnnotation] !== account?.metadata.uid;
    if (account === undefined || isOfAnother) {
      this.#store.remove("secrets", namespace, name);
      return;
    }
    const data = fieldsOf(fieldsOf(secret).data);
    if (textOf(data.token) !== "") return;
    const { authority } = this.#access;
    const filled = {
      ...data,
      ...(authority === undefined ? {} : { "ca.crt": encoded(authority) }),
      namespace: encoded(namespace),
      token: encoded(this.#access.tokens.issueForSecret(account, secret)),
    };
    const owned = { ...annotations, [accountUidAnnotation]: account.metadata.uid ?? "" };
    this.#store.put("secrets", {
      ...secret,
      metadata: { ...secret.metadata, annotations: owned },
      data: filled,
    } as KubernetesObject);
  }
}

function isTokenSecret(secret: KubernetesObject): boolean {
  return fieldsOf(secret).type === accountTokenType;
}

function encoded(text: string): string {
  return Buffer.from(text).toString("base64");
}
