import type { User } from "../../../kubernetes/transport.ts";
import type { Access } from "../access/access.ts";
import type { Attributes } from "../access/attributes.ts";
import { forbiddenTo } from "../access/forbidden.ts";
import { accountGroups } from "../access/tokens/service-account-tokens.ts";

type Headers = Readonly<Record<string, readonly string[] | undefined>>;

/** Who a request wants to be: what of it needs the right to impersonate, and the user that comes out. */
export interface Impersonation {
  readonly needed: readonly Attributes[];
  readonly user: User;
}

const extraPrefix = "impersonate-extra-";
const authenticationGroup = "authentication.k8s.io";

/** What `kubectl --as` asks for by headers, each with all its values. Undefined for a request that wants to be nobody else. */
export function impersonationIn(headers: Headers): Impersonation | "without a user" | undefined {
  const name = headers["impersonate-user"]?.[0] ?? "";
  const groups = headers["impersonate-group"] ?? [];
  const uid = headers["impersonate-uid"]?.[0] ?? "";
  const extra = extraIn(headers);
  const hasMore = groups.length > 0 || uid !== "" || Object.keys(extra).length > 0;
  if (name === "") return hasMore ? "without a user" : undefined;
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name);
  const [, namespace = "", accountName = ""] = account ?? [];
  const needed: Attributes[] = [
    account === null ? right("", "users", name) : { ...right("", "serviceaccounts", accountName), namespace },
    ...groups.map((group) => right("", "groups", group)),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((value) => ({ ...right(authenticationGroup, "userextras", value), subresource: key })),
    ),
    ...(uid === "" ? [] : [right(authenticationGroup, "uids", uid)]),
  ];
  const own = groups.length === 0 && account !== null ? accountGroups(namespace) : groups;
  const known = name === "system:anonymous" ? "system:unauthenticated" : "system:authenticated";
  const user: User = {
    name,
    groups: own.includes(known) ? own : [...own, known],
    ...(uid === "" ? {} : { uid }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
  return { needed, user };
}

/** The user that a request is to be judged as. Throws a refusal when its own user may not be that one. */
export function impersonated(access: Access, user: User, { needed, user: wanted }: Impersonation): User {
  for (const attributes of needed) {
    const { allowed, reason } = access.authorizer.authorize(user, attributes);
    if (!allowed) throw forbiddenTo(user, attributes, reason);
  }
  return wanted;
}

function extraIn(headers: Headers): Record<string, readonly string[]> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([header]) => header.startsWith(extraPrefix))
      .map(([header, values = []]) => [unescaped(header.slice(extraPrefix.length)), values]),
  );
}

// A header's name cannot have a stroke, which names of extras have.
function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

function right(group: string, resource: string, name: string): Exclude<Attributes, { path: string }> {
  return { verb: "impersonate", group, version: "v1", resource, subresource: "", namespace: "", name };
}
