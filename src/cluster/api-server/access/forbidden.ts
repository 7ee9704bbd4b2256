import type { User } from "../../../kubernetes/transport.ts";
import { qualified, Refusal } from "../refusal.ts";
import { type Attributes, isPath } from "./attributes.ts";

/** What somebody is told who may not do something, in the server's words. */
export function forbiddenTo({ name: user }: User, attributes: Attributes, reason: string): Refusal {
  const why = reason === "" ? "" : `: ${reason}`;
  const cannot = `User ${JSON.stringify(user)} cannot ${attributes.verb}`;
  if (isPath(attributes))
    return new Refusal(
      403,
      "Forbidden",
      `forbidden: ${cannot} path ${JSON.stringify(attributes.path)}${why}`,
      {},
    );
  const { group, resource, subresource, namespace, name } = attributes;
  const what = qualified({ group, plural: resource });
  const full = subresource === "" ? resource : `${resource}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  const named = name === "" ? "" : ` ${JSON.stringify(name)}`;
  return new Refusal(
    403,
    "Forbidden",
    `${what}${named} is forbidden: ${cannot} resource ${JSON.stringify(full)} in API group ${JSON.stringify(group)} ${where}${why}`,
    { ...(name === "" ? {} : { name }), ...(group === "" ? {} : { group }), kind: resource },
  );
}
