import type { User } from "../../../kubernetes/transport.ts";
import { formatTime, type Instant } from "../../../time/clock.ts";
import { type Fields, fieldsOf, listOf, textOf, withFields } from "../json.ts";
import type { ApiObject } from "../kinds/rules.ts";
import { badRequest, type FieldError, fieldError, invalid } from "../refusal.ts";
import type { ResourceInfo } from "../resource-info.ts";
import type { Access } from "./access.ts";
import type { Attributes } from "./attributes.ts";

/** A request that is answered, not stored. */
export interface ReviewCall {
  readonly info: ResourceInfo;
  readonly object: ApiObject;
  /** Of the path; empty when it has none. */
  readonly namespace: string;
  readonly user: User;
  readonly access: Access;
  readonly now: Instant;
}

/** The object as answered. Throws a refusal. */
export type Review = (call: ReviewCall) => Fields;

/** The kinds that are questions: nothing is stored, what is created is answered with its status. */
export const reviews: Readonly<Record<string, Review>> = {
  "authentication.k8s.io/v1/selfsubjectreviews": reviewSelf,
  "authentication.k8s.io/v1/tokenreviews": reviewToken,
  "authorization.k8s.io/v1/subjectaccessreviews": (call) => reviewAccess(call, userIn(call)),
  "authorization.k8s.io/v1/localsubjectaccessreviews": (call) => reviewAccess(call, userIn(call)),
  "authorization.k8s.io/v1/selfsubjectaccessreviews": (call) => reviewAccess(call, call.user),
  "authorization.k8s.io/v1/selfsubjectrulesreviews": reviewRules,
};

function reviewSelf({ object, user, now }: ReviewCall): Fields {
  return {
    ...object,
    metadata: { creationTimestamp: formatTime(now) },
    status: { userInfo: userInfo(user) },
  };
}

function reviewToken({ object, access }: ReviewCall): Fields {
  const { token, audiences } = fieldsOf(object.spec);
  if (textOf(token) === "") throw badRequest("token is required for TokenReview in authentication");
  const wanted = listOf(audiences).map(textOf);
  const verdict = access.verifyToken(textOf(token), ...(wanted.length === 0 ? [] : [wanted]));
  const why = "invalid bearer token";
  if (verdict === undefined || !("user" in verdict)) {
    const error = verdict?.error === undefined ? why : `[${why}, ${verdict.error}]`;
    return { ...object, status: { user: {}, error } };
  }
  const { user, audiences: shared } = verdict;
  return { ...object, status: { authenticated: true, user: userInfo(user), audiences: shared } };
}

/** A user as it is shown. */
function userInfo({ name, uid, groups, extra = {} }: User): Fields {
  return withFields(
    { username: name },
    {
      uid: uid === "" ? undefined : uid,
      groups: groups.length === 0 ? undefined : groups,
      extra: Object.keys(extra).length === 0 ? undefined : extra,
    },
  );
}

function reviewRules({ object, user, access }: ReviewCall): Fields {
  const namespace = textOf(fieldsOf(object.spec).namespace);
  if (namespace === "") throw badRequest("no namespace on request");
  const { resourceRules, nonResourceRules, evaluationError } = access.authorizer.permissions(user, namespace);
  const status = withFields({ resourceRules, nonResourceRules, incomplete: false }, { evaluationError });
  return { ...object, spec: {}, status };
}

function reviewAccess({ info, object, namespace, access }: ReviewCall, user: User): Fields {
  const spec = fieldsOf(object.spec);
  const isLocal = info.namespaced;
  const errors = [...accessErrors(spec, info.kind), ...metadataErrors(object, isLocal)];
  if (isLocal) errors.push(...localErrors(spec, namespace));
  if (errors.length > 0) throw invalid({ group: info.group, kind: "" }, "", errors);
  const { allowed, reason } = access.authorizer.authorize(user, attributesIn(spec));
  return { ...object, status: withFields({ allowed }, { reason: reason === "" ? undefined : reason }) };
}

function attributesIn(spec: Fields): Attributes {
  const text = (fields: Fields, name: string): string => textOf(fields[name]);
  const path = fieldsOf(spec.nonResourceAttributes);
  if (spec.nonResourceAttributes !== undefined) return { verb: text(path, "verb"), path: text(path, "path") };
  const wanted = fieldsOf(spec.resourceAttributes);
  return {
    verb: text(wanted, "verb"),
    group: text(wanted, "group"),
    version: text(wanted, "version"),
    resource: text(wanted, "resource"),
    subresource: text(wanted, "subresource"),
    namespace: text(wanted, "namespace"),
    name: text(wanted, "name"),
  };
}

function userIn({ object }: ReviewCall): User {
  const { user, uid, groups, extra } = fieldsOf(object.spec);
  return {
    name: textOf(user),
    uid: textOf(uid),
    groups: listOf(groups).map(textOf),
    extra: fieldsOf(extra) as Readonly<Record<string, readonly string[]>>,
  };
}

function accessErrors(spec: Fields, kind: string): FieldError[] {
  const { resourceAttributes, nonResourceAttributes, user, groups } = spec;
  const errors: FieldError[] = [];
  const field = "spec.resourceAttributes";
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined) {
    const why = "cannot be specified in combination with resourceAttributes";
    errors.push(fieldError.invalid("spec.nonResourceAttributes", shownPath(nonResourceAttributes), why));
  }
  if (resourceAttributes === undefined && nonResourceAttributes === undefined) {
    const why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    errors.push(fieldError.invalid(field, null, why));
  }
  const needsUser = kind !== "SelfSubjectAccessReview";
  if (needsUser && textOf(user) === "" && listOf(groups).length === 0) {
    errors.push(fieldError.invalid("spec.user", "", "at least one of user or group must be specified"));
  }
  return errors;
}

function localErrors({ resourceAttributes, nonResourceAttributes }: Fields, namespace: string): FieldError[] {
  if (nonResourceAttributes !== undefined) {
    const why = "disallowed on this kind of request";
    return [fieldError.invalid("spec.nonResourceAttributes", shownPath(nonResourceAttributes), why)];
  }
  const found = fieldsOf(resourceAttributes).namespace ?? "";
  if (found === namespace) return [];
  return [fieldError.invalid("spec.resourceAttributes.namespace", found, "must match metadata.namespace")];
}

// As the server, which is written in Go, prints it.
function shownPath(attributes: unknown): Fields {
  const { path, verb } = fieldsOf(attributes);
  return { Path: textOf(path), Verb: textOf(verb) };
}

function metadataErrors({ metadata }: ApiObject, isLocal: boolean): FieldError[] {
  const { namespace: _namespace, ...rest } = metadata;
  if (Object.keys(isLocal ? rest : metadata).length === 0) return [];
  return [fieldError.invalid("metadata", metadata, `must be empty${isLocal ? " except for namespace" : ""}`)];
}
