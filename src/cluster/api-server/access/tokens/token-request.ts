import type { KubernetesObject } from "../../../../api/core.ts";
import { formatTime, instant } from "../../../../time/clock.ts";
import type { Store } from "../../../store/store.ts";
import { type Fields, fieldsOf, listOf, textOf, withFields } from "../../json.ts";
import type { ApiObject } from "../../kinds/rules.ts";
import { badRequest, deletionConflict, fieldError, invalid, notFound } from "../../refusal.ts";
import { travellingType } from "../../sent-object.ts";
import { issuer, type ServiceAccountTokens, type TokenOrder } from "./service-account-tokens.ts";

export const tokenRequestType = travellingType("authentication.k8s.io", "v1", "TokenRequest");

const hourSeconds = 3600;
const leastSeconds = 600;
const mostSeconds = 2 ** 32;

/** Answers a TokenRequest with a token of the account. Throws a refusal. */
export function answerTokenRequest(
  tokens: ServiceAccountTokens,
  store: Store,
  account: KubernetesObject,
  sent: ApiObject,
  now: number,
): Fields {
  const { name, namespace, uid } = account.metadata;
  if ((sent.metadata.name ?? name) !== name) {
    const why = "must match the service account name if specified";
    throw invalid(tokenRequestType.info, name, [
      fieldError.invalid("metadata.name", sent.metadata.name, why),
    ]);
  }
  const spec = fieldsOf(sent.spec);
  const seconds = secondsIn(spec);
  const named = listOf(spec.audiences).map(textOf);
  const audiences = named.length === 0 ? [issuer] : named;
  const bound =
    spec.boundObjectRef === undefined ? undefined : boundTo(store, account, fieldsOf(spec.boundObjectRef));
  const expires = instant((Math.floor(now / 1000) + seconds) * 1000);
  return {
    kind: "TokenRequest",
    apiVersion: "authentication.k8s.io/v1",
    metadata: withFields({ name }, { namespace, uid, creationTimestamp: formatTime(instant(now)) }),
    spec: { audiences, expirationSeconds: seconds, boundObjectRef: spec.boundObjectRef ?? null },
    status: {
      token: tokens.issue({ account, audiences, seconds, bound }),
      expirationTimestamp: formatTime(expires),
    },
  };
}

function secondsIn({ expirationSeconds = hourSeconds }: Fields): number {
  const field = "spec.expirationSeconds";
  const refuse = (why: string) =>
    invalid(tokenRequestType.info, "", [fieldError.invalid(field, expirationSeconds, why)]);
  if (Number(expirationSeconds) < leastSeconds)
    throw refuse("may not specify a duration less than 10 minutes");
  if (Number(expirationSeconds) > mostSeconds)
    throw refuse("may not specify a duration larger than 2^32 seconds");
  return Number(expirationSeconds);
}

function boundTo(store: Store, account: KubernetesObject, reference: Fields): TokenOrder["bound"] {
  const [kind, apiVersion, name, uid] = ["kind", "apiVersion", "name", "uid"].map((key) =>
    textOf(reference[key]),
  );
  if ((kind !== "Pod" && kind !== "Secret" && kind !== "Node") || apiVersion !== "v1") {
    const [version, group = ""] = (apiVersion ?? "").split("/").reverse();
    throw badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${kind}`);
  }
  const plural = `${kind.toLowerCase()}s`;
  const namespace = kind === "Node" ? "" : (account.metadata.namespace ?? "");
  const object = store.get(plural, namespace, name ?? "");
  if (object === undefined) throw notFound({ group: "", plural }, name ?? "");
  if (
    kind === "Pod" &&
    textOf(fieldsOf(fieldsOf(object).spec).serviceAccountName) !== account.metadata.name
  ) {
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(account.metadata.name)} to pod running with different serviceaccount name.`,
    );
  }
  if (uid !== "" && uid !== object.metadata.uid) {
    const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw deletionConflict(
      { group: "", version: "v1", plural, kind, namespaced: kind !== "Node" },
      name ?? "",
      why,
    );
  }
  return { kind, object };
}
